/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps are
 *   port,NAME,COUNT        reads of the serial port's line status
 *   mmio,NAME,COUNT        reads of the disk's interrupt status
 *   notify,NAME,COUNT      notifications of the disk's empty queue
 *   disk,NAME,READ_PERCENT,random|sequential,BYTES,DEPTH,COUNT,FLUSH_EVERY
 *   commit,NAME,BYTES,DEPTH,FIRST,ROUNDS,FLUSH
 *   flood,NAME,BYTES,DEPTH,COUNT   frames to a peer that takes them
 *   echo,NAME,BYTES,DEPTH,COUNT    frames to a peer that sends each back
 *   end
 * and each but commit prints "result NAME CYCLES COUNT NOTIFICATIONS MEDIAN P99 TSC", cycles all.
 */
#include "steps.h"

#include "measure.h"

#define LINE_BYTES 256

static struct disk *disk;
static struct card *card;
static bool from_console;

void steps_devices(struct disk *a_disk, struct card *a_card)
{
	disk = a_disk;
	card = a_card;
}

/* Lets whoever watches prepare the host: a step from the console begins when a line comes. */
static void begin(const char *name)
{
	char line[LINE_BYTES];

	if (!from_console)
		return;
	put_text("begin ");
	put_text(name);
	put_char('\n');
	get_line(line, sizeof(line));
}

/* The first character of this line says that the measured part is over. */
static void report(const char *name, const struct measurement *measurement)
{
	const u64 numbers[] = {measurement->cycles / measurement->count,
			       measurement->count,
			       measurement->notifications,
			       measurement->median_cycles,
			       measurement->late_cycles,
			       cycles()};

	put_text("result ");
	put_text(name);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		put_char(' ');
		put_decimal(numbers[i]);
	}
	put_char('\n');
}

enum access { PORT, MMIO, NOTIFY };

static void count_accesses(enum access access, const char **text)
{
	char name[NAME_BYTES];
	struct measurement measurement = {0};
	u64 count, start;

	if (!take_word(text, name, sizeof(name)) || !take_number(text, &count) || count == 0)
		fail("a step has no name or count");
	begin(name);
	start = cycles();
	for (u64 i = 0; i < count; i++) {
		if (access == PORT)
			in8(CONSOLE_LINE_STATUS);
		else if (access == MMIO)
			register_read(disk->queue.base, INTERRUPT_STATUS);
		else
			register_write(disk->queue.base, QUEUE_NOTIFY, 0);
	}
	measurement.cycles = cycles() - start;
	measurement.count = count;
	if (access == NOTIFY)
		measurement.notifications = count;
	report(name, &measurement);
}

static void measure_disk(const char **text)
{
	static u64 runs;
	struct workload workload;
	struct measurement measurement;
	const char *wrong = workload_take(text, &workload, disk->sectors);

	if (wrong)
		fail_number("a disk step is wrong", wrong, runs);
	if (workload.depth > disk->queue.size)
		fail_number(workload.name, "depth is more than the queue's", disk->queue.size);
	if (workload.depth * workload.bytes > measure_room())
		fail_number(workload.name, "depth * bytes is more than there is memory:",
			    measure_room());
	/* Different for each run and step, so that what an earlier one wrote is found to be old. */
	workload.tag = (cycles() + ++runs) | 1;
	begin(workload.name);
	measure(disk, &workload, &measurement);
	report(workload.name, &measurement);
	verify(disk, &workload);
}

/*
 * Round by round DEPTH writes at once, all with the round's number, then a flush if FLUSH is not 0,
 * then "committed ROUND": whoever stops the machine knows what the disk must have.
 */
static void commit(const char **text)
{
	struct workload writes = {0};
	struct workload flush = {.depth = 1, .count = 1, .flush_every = 1};
	struct measurement measurement;
	u64 first, rounds, flushes, half, places;

	if (!take_word(text, writes.name, sizeof(writes.name)) ||
	    !take_number(text, &writes.bytes) || !take_char(text, ',') ||
	    !take_number(text, &writes.depth) || !take_char(text, ',') ||
	    !take_number(text, &first) || !take_char(text, ',') || !take_number(text, &rounds) ||
	    !take_char(text, ',') || !take_number(text, &flushes))
		fail("a commit step lacks something");
	if (!writes.bytes || writes.bytes % SECTOR_BYTES || !writes.depth ||
	    writes.depth > disk->queue.size || writes.depth * writes.bytes > measure_room())
		fail_number(writes.name, "bytes or depth can't be", writes.bytes);
	half = disk->sectors / 2 * SECTOR_BYTES;
	places = half / writes.bytes / writes.depth;
	if (!places)
		fail_number(writes.name, "the disk is too small:", disk->sectors);
	writes.count = writes.depth;
	writes.blocks = writes.depth;
	for (u64 round = first; round < first + rounds; round++) {
		writes.half = half + round % places * writes.depth * writes.bytes;
		writes.tag = round;
		measure(disk, &writes, &measurement);
		if (flushes)
			measure(disk, &flush, &measurement);
		put_text("committed ");
		put_decimal(round);
		put_char('\n');
	}
}

static void measure_card(bool echo, const char **text)
{
	struct traffic traffic = {.echo = echo};
	struct measurement measurement;
	const char *wrong = traffic_take(text, &traffic, card);

	if (wrong)
		fail_number("a step of the card is wrong", wrong, 0);
	begin(traffic.name);
	traffic_measure(card, &traffic, &measurement);
	report(traffic.name, &measurement);
}

static void run_step(const char **text)
{
	char what[16];

	if (!take_word(text, what, sizeof(what)))
		fail("a step is empty");
	if (starts_with(what, "port"))
		count_accesses(PORT, text);
	else if (starts_with(what, "mmio"))
		count_accesses(MMIO, text);
	else if (starts_with(what, "notify"))
		count_accesses(NOTIFY, text);
	else if (starts_with(what, "disk"))
		measure_disk(text);
	else if (starts_with(what, "commit"))
		commit(text);
	else if (starts_with(what, "flood"))
		measure_card(false, text);
	else if (starts_with(what, "echo"))
		measure_card(true, text);
	else if (starts_with(what, "end"))
		end();
	else
		fail_number("there is no such step", what, 0);
}

void run_steps(const char *steps)
{
	do
		run_step(&steps);
	while (take_char(&steps, ';'));
	end();
}

void run_steps_from_console(void)
{
	char line[LINE_BYTES];

	from_console = true;
	for (;;) {
		const char *text = line;

		put_text("ready\n");
		get_line(line, sizeof(line));
		run_step(&text);
	}
}
