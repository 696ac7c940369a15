// SPDX-License-Identifier: Apache-2.0
/* Why a program cannot be executed, as far as its file tells. execve has errno for it alone. */
#include <asm/statfs.h>
#include <linux/elf.h>

#include "child.h"
#include "util.h"

#ifndef ST_NOEXEC
#define ST_NOEXEC 8
#endif

static void tell(struct failure *failure, const char *path, const char *what, const char *name)
{
	format(failure->text, sizeof(failure->text), "%s: %s%s", path, what, name);
}

/* "#!", blanks, the interpreter, and then an argument or the line's end. */
static const char *interpreter_of_script(char *start)
{
	char *name = start + 2, *end;

	while (*name == ' ' || *name == '\t')
		name++;
	for (end = name; *end && *end != ' ' && *end != '\t' && *end != '\n';)
		end++;
	*end = 0;
	return name;
}

static const char *loader_of_elf(int fd, const char *start, char *name, size_t size)
{
	union { struct elf32_hdr elf32; struct elf64_hdr elf64; } header;
	union { struct elf32_phdr elf32; struct elf64_phdr elf64; } program;
	bool is_64bit = start[EI_CLASS] == ELFCLASS64;
	size_t bytes = is_64bit ? sizeof(program.elf64) : sizeof(program.elf32);
	u64 first;
	u32 count;

	memcpy(&header, start, sizeof(header));
	first = is_64bit ? header.elf64.e_phoff : header.elf32.e_phoff;
	count = is_64bit ? header.elf64.e_phnum : header.elf32.e_phnum;
	for (u32 i = 0; i < count; i++) {
		long got;

		if (sys(pread64, fd, &program, bytes, first + i * bytes) != (long)bytes)
			break;
		if (program.elf64.p_type != PT_INTERP) /* first in both */
			continue;
		got = sys(pread64, fd, name, size - 1,
			  is_64bit ? program.elf64.p_offset : program.elf32.p_offset);
		if (got <= 0)
			break;
		name[got] = 0; /* its own NUL comes before this one */
		return name;
	}
	return NULL;
}

static bool tell_of_content(struct failure *failure, const char *path, long error)
{
	char start[257], loader[256];
	int fd = sys(open, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	long got = fd < 0 ? fd : sys(pread64, fd, start, sizeof(start) - 1, 0);
	bool is_script, is_elf;
	const char *name;

	if (got < 0)
		return false;
	start[got] = 0;
	is_script = starts_with(start, "#!");
	is_elf = got >= (long)sizeof(struct elf64_hdr) && starts_with(start, "\177ELF");
	if (error == ENOENT && is_script) {
		name = interpreter_of_script(start);
		tell(failure, path, "its interpreter is not there: ", name);
	} else if (error == ENOENT && is_elf) {
		name = loader_of_elf(fd, start, loader, sizeof(loader));
		tell(failure, path, "its dynamic loader is not there: ", name ? name : "");
	} else if (error == ENOEXEC && is_elf) {
		tell(failure, path, "made for another processor, or damaged", "");
	} else if (error == ENOEXEC && got == 0) {
		tell(failure, path, "an empty file", "");
	} else if (error == ENOEXEC && !is_script) {
		tell(failure, path, "no interpreter line: start it with a shell", "");
	} else {
		return false;
	}
	return true;
}

void explain(struct failure *failure, const char *path, long error)
{
	struct stat status;
	struct statfs system;
	bool is_there = sys(stat, path, &status) == 0;

	failure->error = error;
	failure->how = HOW_NOT_EXECUTABLE;
	if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE)
		failure->how = HOW_FAILED;
	else if ((error == ENOENT && !is_there) || error == ENOTDIR || error == ENAMETOOLONG)
		failure->how = HOW_NO_COMMAND;

	if (is_there && S_ISDIR(status.st_mode))
		tell(failure, path, "is a directory", "");
	else if (error == EACCES && is_there && !(status.st_mode & 0111))
		tell(failure, path, "is not executable (its mode says so)", "");
	else if (error == EACCES && sys(statfs, path, &system) == 0 && (system.f_flags & ST_NOEXEC))
		tell(failure, path, "is on a file system that is mounted noexec", "");
	else if (!is_there || !tell_of_content(failure, path, error))
		tell(failure, path, error_text(error), "");
}
