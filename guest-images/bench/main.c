/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the PVH start information and the command line, finds the devices and runs the steps. */
#include "guest.h"

#include "measure.h"
#include "steps.h"

#define START_MAGIC 0x336ec578
#define MEMORY_RAM 1
#define DEVICE_WORD "virtio_mmio.device="
#define STEPS_WORD "bench.steps="
#define IMAGE 0x100000
#define COMMAND_LINE_BYTES 4096

struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 modules;
	u64 module_list;
	u64 command_line;
	u64 rsdp;
	u64 memory_map;
	u32 memory_map_entries;
	u32 reserved;
};

struct memory_map_entry {
	u64 address;
	u64 bytes;
	u32 type;
	u32 reserved;
};

static char command_line[COMMAND_LINE_BYTES];
static struct disk disk;
static struct card card;

/* The end of the RAM that this image is in. */
static u64 ram_end(const struct start_info *info)
{
	const struct memory_map_entry *entry = (const void *)info->memory_map;

	for (u32 i = 0; i < info->memory_map_entries; i++, entry++)
		if (entry->type == MEMORY_RAM && entry->address <= IMAGE &&
		    entry->address + entry->bytes > IMAGE)
			return entry->address + entry->bytes;
	fail("the memory map has no RAM at 1 MiB");
}

static void copy_command_line(const struct start_info *info)
{
	const char *from = (const char *)info->command_line;
	size_t i = 0;

	for (; from && from[i] && i < COMMAND_LINE_BYTES - 1; i++)
		command_line[i] = from[i];
	command_line[i] = 0;
}

/* Behind the first place of the word from here on; NULL if there is none. */
static const char *behind(const char *text, const char *word)
{
	for (; *text; text++)
		if (starts_with(text, word)) {
			while (*word++)
				text++;
			return text;
		}
	return NULL;
}

/* "virtio_mmio.device=4K@0xd0000000:5", as often as there are devices. */
static bool find_devices(void)
{
	const char *text = command_line;
	bool has_disk = false;

	while ((text = behind(text, DEVICE_WORD))) {
		u64 address;

		while (*text && *text != '@' && *text != ' ')
			text++;
		if (!take_char(&text, '@') || !take_number(&text, &address))
			continue;
		if (!has_disk)
			has_disk = disk_start(&disk, address);
		if (!card.transmit.size)
			card_start(&card, address);
	}
	return has_disk;
}

void main(const struct start_info *info);

void main(const struct start_info *info)
{
	const char *steps;

	console_start();
	if (info->magic != START_MAGIC || info->version < 1)
		fail("not started by PVH, version 1");
	copy_command_line(info);
	measure_start(ram_end(info));
	if (!find_devices())
		fail("no disk at any virtio_mmio.device= of the command line");
	put_text("bench: ");
	put_decimal(disk.sectors);
	put_text(" sectors, queue of ");
	put_decimal(disk.queue.size);
	put_text(", features ");
	put_hex(disk.features);
	put_char('\n');
	steps_devices(&disk, &card);
	steps = behind(command_line, STEPS_WORD);
	if (steps)
		run_steps(steps);
	run_steps_from_console();
}
