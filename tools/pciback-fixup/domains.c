// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds a device. The toolstack writes that into xenstore, as
 *
 *   /local/domain/0/backend/pci/<domid>/0/domain = "<name of the domain>"
 *   /local/domain/0/backend/pci/<domid>/0/dev-<n> = "<BDF>"
 *   /local/domain/0/backend/pci/<domid>/0/state = "<state of the connection>"
 *
 * and so does xenstore-ls print it. <domid> is the stub domain's where the
 * device model runs in one.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pciback-fixup.h"

#define BACKEND		"/local/domain/0/backend/pci"

static void __attribute__((noreturn)) run_xenstore_ls(int out)
{
	const char *command = getenv("PCIBACK_FIXUP_XENSTORE") ?: "xenstore-ls";
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(out, STDOUT_FILENO);
	/* It complains if no device is passed through, which is no error here. */
	dup2(quiet, STDERR_FILENO);
	/* It would wait forever where no xenstored answers; exec keeps the alarm. */
	alarm(2);
	execlp(command, command, "-f", BACKEND, NULL);
	_exit(127);
}

char *domains_read(void)
{
	char *text = NULL;
	FILE *file;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return strdup("");
	pid = fork();
	if (!pid)
		run_xenstore_ls(fds[1]);
	close(fds[1]);

	file = fdopen(fds[0], "r");
	if (file) {
		text = slurp(file);
		fclose(file);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return text ?: strdup("");
}

/* What a domain leaves behind when it goes is in the state Closed, which is 6. */
static bool domain_is_gone(const char *domains, unsigned int domid)
{
	char key[64];

	snprintf(key, sizeof(key), BACKEND "/%u/0/state = \"6\"", domid);
	return strstr(domains, key);
}

/* The last one: domain IDs grow, and a domain that died may have left its own. */
bool domains_find(const char *domains, const struct slot *bdf,
		  unsigned int *domid, char *name, int size)
{
	const char *line, *name_at;
	char key[64], value[32];
	unsigned int id;
	struct slot held;
	bool found = false;

	for (line = domains; *line; line += *line == '\n') {
		if (sscanf(line, BACKEND "/%u/%*u/dev-%*u = \"%31[^\"\n]", &id, value) == 2 &&
		    bdf_parse(value, &held) && slot_match(&held, bdf) &&
		    !domain_is_gone(domains, id) && (!found || id > *domid)) {
			*domid = id;
			found = true;
		}
		line = strchrnul(line, '\n');
	}
	if (!found)
		return false;

	snprintf(key, sizeof(key), BACKEND "/%u/0/domain = \"", *domid);
	name_at = strstr(domains, key);
	name_at = name_at ? name_at + strlen(key) : "";
	snprintf(name, size, "%.*s", (int)strcspn(name_at, "\"\n"), name_at);
	return true;
}
