// SPDX-License-Identifier: Apache-2.0
/*
 * vectors ROUNDS PROCESSES [LEVEL]: proves that the kernel and the machine under it keep the x87, SSE, AVX
 * and AVX-512 registers of programs. PROCESSES processes fill all registers that CPUID shows with
 * values of their own, let the others run or take a signal whose handler fills them anew, and look
 * at them again, ROUNDS times altogether. The last line says how many rounds were wrong; the exit
 * status is 0 if none was. LEVEL 0, 1, 2 insists on SSE, AVX, AVX-512, whatever CPUID shows.
 *
 * Freestanding: system calls by hand, no C library, which would use the registers itself.
 */
#define SYS_read 0
#define SYS_write 1
#define SYS_close 3
#define SYS_rt_sigaction 13
#define SYS_rt_sigreturn 15
#define SYS_pipe 22
#define SYS_sched_yield 24
#define SYS_nanosleep 35
#define SYS_getpid 39
#define SYS_fork 57
#define SYS_exit 60
#define SYS_kill 62

#define SIGUSR1 10
#define SA_RESTORER 0x04000000

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum level { LEVEL_SSE, LEVEL_AVX, LEVEL_AVX512 };
static const char *const level_names[] = { "SSE", "AVX", "AVX-512" };
static enum level level;

/* All registers; each vector has 64 bytes, whatever its width. */
struct registers {
	u8 vector[32][64];
	u8 x87[8][16];
	u64 mask[8];
	u32 mxcsr;
	u32 control_word;
} __attribute__((aligned(64)));

struct timespec { long seconds, nanoseconds; };

struct action {
	void (*handler)(int);
	u64 flags;
	void (*restorer)(void);
	u64 mask;
};

static long call(long number, long a, long b, long c)
{
	long result;
	register long r10 __asm__("r10") = 8; /* of rt_sigaction: the size of a signal set */

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

void *memset(void *to, int value, u64 count)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, u64 count)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
	return to;
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LOW_16(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
#define HIGH_16(F) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23) F(24) F(25) F(26) F(27) F(28) F(29) F(30) F(31)
#define MASKS(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7)

#define AT(n) TEXT(n) "*64"
#define LOAD_XMM(n) "movdqu " AT(n) "(%[in]), %%xmm" TEXT(n) "\n"
#define SAVE_XMM(n) "movdqu %%xmm" TEXT(n) ", " AT(n) "(%[out])\n"
#define LOAD_YMM(n) "vmovdqu " AT(n) "(%[in]), %%ymm" TEXT(n) "\n"
#define SAVE_YMM(n) "vmovdqu %%ymm" TEXT(n) ", " AT(n) "(%[out])\n"
#define LOAD_ZMM(n) "vmovdqu64 " AT(n) "(%[in]), %%zmm" TEXT(n) "\n"
#define SAVE_ZMM(n) "vmovdqu64 %%zmm" TEXT(n) ", " AT(n) "(%[out])\n"
#define LOAD_MASK(n) "kmovw 2176+8*" TEXT(n) "(%[in]), %%k" TEXT(n) "\n"
#define SAVE_MASK(n) "kmovw %%k" TEXT(n) ", 2176+8*" TEXT(n) "(%[out])\n"

#define LOAD_X87 \
	"fninit\n fldt 2048(%[in])\n fldt 2064(%[in])\n fldt 2080(%[in])\n fldt 2096(%[in])\n" \
	"fldt 2112(%[in])\n fldt 2128(%[in])\n fldt 2144(%[in])\n fldt 2160(%[in])\n" \
	"fldcw 2244(%[in])\n ldmxcsr 2240(%[in])\n"
#define SAVE_X87 \
	"stmxcsr 2240(%[out])\n fnstcw 2244(%[out])\n fstpt 2160(%[out])\n fstpt 2144(%[out])\n" \
	"fstpt 2128(%[out])\n fstpt 2112(%[out])\n fstpt 2096(%[out])\n fstpt 2080(%[out])\n" \
	"fstpt 2064(%[out])\n fstpt 2048(%[out])\n"

_Static_assert(__builtin_offsetof(struct registers, x87) == 2048, "x87");
_Static_assert(__builtin_offsetof(struct registers, mask) == 2176, "mask");
_Static_assert(__builtin_offsetof(struct registers, mxcsr) == 2240, "mxcsr");
_Static_assert(__builtin_offsetof(struct registers, control_word) == 2244, "control_word");

#define EXCHANGE(LOAD, SAVE)                                                                \
	__asm__ volatile(LOAD_X87 LOAD "syscall\n" SAVE SAVE_X87                             \
			 : "+a"(number)                                                     \
			 : [in] "r"(in), [out] "r"(out), "D"(a), "S"(b)                      \
			 : "rcx", "rdx", "r11", "memory")

/* Fills the registers, makes a system call, and looks what is in them then. */
static void exchange(const struct registers *in_, struct registers *out_, long number, long a, long b)
{
	register const struct registers *in __asm__("r12") = in_;
	register struct registers *out __asm__("r13") = out_;

	switch (level) {
	case LEVEL_SSE:
		EXCHANGE(LOW_16(LOAD_XMM), LOW_16(SAVE_XMM));
		break;
	case LEVEL_AVX:
		EXCHANGE(LOW_16(LOAD_YMM), LOW_16(SAVE_YMM));
		break;
	case LEVEL_AVX512:
		EXCHANGE(LOW_16(LOAD_ZMM) HIGH_16(LOAD_ZMM) MASKS(LOAD_MASK),
			 LOW_16(SAVE_ZMM) HIGH_16(SAVE_ZMM) MASKS(SAVE_MASK));
		break;
	}
}

static void cpuid(u32 leaf, u32 *ebx, u32 *ecx)
{
	u32 eax = leaf, edx;

	*ecx = 0;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(*ebx), "+c"(*ecx), "=d"(edx));
}

static enum level find_level(void)
{
	u32 ebx, ecx, xcr0, high;

	cpuid(1, &ebx, &ecx);
	if (!(ecx >> 27 & 1) || !(ecx >> 28 & 1)) /* OSXSAVE, AVX */
		return LEVEL_SSE;
	__asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
	if ((xcr0 & 6) != 6)
		return LEVEL_SSE;
	cpuid(7, &ebx, &ecx);
	return ebx >> 16 & 1 && (xcr0 & 0xe6) == 0xe6 ? LEVEL_AVX512 : LEVEL_AVX;
}

static int width(void)
{
	return level == LEVEL_AVX512 ? 64 : level == LEVEL_AVX ? 32 : 16;
}

/* Values that no other process and round has. */
static void fill(struct registers *r, u64 seed)
{
	u64 x = seed * 0x9e3779b97f4a7c15ul + 1;
	int vectors = level == LEVEL_AVX512 ? 32 : 16;

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < vectors; i++)
		for (int j = 0; j < width(); j += 8) {
			x = x * 6364136223846793005ul + 1442695040888963407ul;
			*(u64 *)&r->vector[i][j] = x;
		}
	for (int i = 0; i < 8; i++) {
		*(u64 *)r->x87[i] = (x + i) | 1ul << 63;
		*(u32 *)&r->x87[i][8] = 0x3fff + (x >> 8 & 63) + i;
	}
	if (level == LEVEL_AVX512)
		for (int i = 1; i < 8; i++)
			r->mask[i] = x >> i & 0xffff;
	r->mxcsr = 0x1f80 | (x >> 20 & 3) << 13;       /* the rounding mode */
	r->control_word = 0x037f | (x >> 22 & 3) << 10; /* likewise */
}

static int differ(const struct registers *a, const struct registers *b)
{
	for (u64 i = 0; i < sizeof(*a); i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return 1;
	return 0;
}

static struct registers given, found, of_handler, found_by_handler;
static u64 handled;

static void handler(int signal)
{
	(void)signal;
	fill(&of_handler, ~handled++);
	exchange(&of_handler, &found_by_handler, SYS_getpid, 0, 0);
}

__asm__(".globl restore\nrestore: mov $15, %eax\n syscall\n");
void restore(void);

static long run(long rounds, u64 process)
{
	static const struct timespec moment = { 0, 1 };
	static const struct action action = { handler, SA_RESTORER, restore, 0 };
	long pid = call(SYS_getpid, 0, 0, 0);
	long wrong = 0;

	call(SYS_rt_sigaction, SIGUSR1, (long)&action, 0);
	for (long round = 0; round < rounds; round++) {
		u64 before = handled;

		fill(&given, process << 32 | (u64)round);
		memset(&found, 0, sizeof(found));
		switch (round % 4) {
		case 0:
			exchange(&given, &found, SYS_kill, pid, SIGUSR1);
			wrong += handled != before + 1 || differ(&of_handler, &found_by_handler);
			break;
		case 1:
			exchange(&given, &found, SYS_nanosleep, (long)&moment, 0);
			break;
		default:
			exchange(&given, &found, SYS_sched_yield, 0, 0);
		}
		wrong += differ(&given, &found);
	}
	return wrong;
}

static u64 length(const char *text)
{
	u64 count = 0;

	while (text[count])
		count++;
	return count;
}

static void say(const char *text)
{
	call(SYS_write, 1, (long)text, (long)length(text));
}

static void say_number(long number)
{
	char digits[24];
	char *at = digits + sizeof(digits) - 1;

	*at = 0;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	say(at);
}

static long number_of(const char *text)
{
	long number = 0;

	while (*text >= '0' && *text <= '9')
		number = number * 10 + *text++ - '0';
	return number;
}

static int program(long argc, char **argv)
{
	long rounds = argc > 1 ? number_of(argv[1]) : 2000;
	long processes = argc > 2 ? number_of(argv[2]) : 4;
	long wrong = 0, ended = 0;
	int ends[2];

	level = argc > 3 ? (enum level)number_of(argv[3]) : find_level();
	if (processes < 1 || call(SYS_pipe, (long)ends, 0, 0))
		return 2;
	for (long i = 0; i < processes; i++)
		if (!call(SYS_fork, 0, 0, 0)) {
			long mine = run(rounds / processes, (u64)i + 1);

			call(SYS_write, ends[1], (long)&mine, sizeof(mine));
			call(SYS_exit, 0, 0, 0);
		}
	call(SYS_close, ends[1], 0, 0); /* so that the end of one that crashed is seen */
	for (long mine; ended < processes; ended++) {
		if (call(SYS_read, ends[0], (long)&mine, sizeof(mine)) != sizeof(mine))
			return 2;
		wrong += mine;
	}
	say("vectors: ");
	say_number(rounds / processes * processes);
	say(" rounds of ");
	say_number(processes);
	say(" processes with ");
	say(level_names[level]);
	say(", ");
	say_number(wrong);
	say(" wrong\n");
	return wrong != 0;
}

/* The stack at a program's start: argc, argv... */
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
void begin(long *stack)
{
	call(SYS_exit, program(stack[0], (char **)(stack + 1)), 0, 0);
}
