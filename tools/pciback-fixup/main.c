// SPDX-License-Identifier: GPL-2.0
/*
 * pciback-fixup lists the devices that are bound to xen-pciback and switches
 * which of them guests see as Root Complex Integrated Endpoints (RCiEP).
 * This is its command line.
 */

#include <getopt.h>
#include <locale.h>

#include "pciback-fixup.h"

/* The options given and those that a command takes, as bits above all letters of getopt's */
enum {
	OPT_JSON = 1 << 8, OPT_NOHEADINGS = 1 << 9, OPT_COLUMNS = 1 << 10,
	OPT_ALL = 1 << 11, OPT_PERSIST = 1 << 12, SLOTS = 1 << 13
};

static const char help[] =
	"usage: pciback-fixup list [--json] [--output COLUMNS] [--noheadings] [BDF...]\n"
	"       pciback-fixup check [--json] [BDF...]\n"
	"       pciback-fixup enable [--persist] BDF... | --all\n"
	"       pciback-fixup disable [--persist] BDF... | --all\n"
	"       pciback-fixup status [--json]\n"
	"\n"
	"Shows passed-through PCIe endpoints to Xen guests as part of the root complex.\n"
	"\n"
	"  list       the devices that are bound to pciback, and what guests see of them\n"
	"  check      which of them would be rejected, why, and the remedy;\n"
	"             exit status 0: none, 1: some, 2: it could not be found out\n"
	"  enable     show guests an RCiEP\n"
	"  disable    show guests what the hardware is\n"
	"  status     what is loaded, what is in force after the next boot, what to do next\n"
	"\n"
	"  --json     for programs\n"
	"  -o, --output COLUMNS\n"
	"             the columns to show, by their names with commas between them\n"
	"  --noheadings\n"
	"  --all      all endpoints that are bound to pciback\n"
	"  --persist  also after the next boot; takes what is not bound yet as well\n"
	"  -h, --help, -V, --version\n"
	"\n"
	"A BDF is like 0000:03:00.0, or 03:00.0 in domain 0; 03:00.* stands for all its\n"
	"functions. More: man pciback-fixup\n";

static int usage_error(const char *what, const char *arg)
{
	complain("%s%s; see pciback-fixup --help", what, arg);
	return ERROR;
}

static int run(const char *name, unsigned int options, const char *columns, char **args, int given)
{
	static const struct {
		const char *name;
		unsigned int takes;
	} commands[] = {
		{ "list", OPT_JSON | OPT_NOHEADINGS | OPT_COLUMNS | SLOTS },
		{ "check", OPT_JSON | SLOTS },
		{ "enable", OPT_ALL | OPT_PERSIST | SLOTS },
		{ "disable", OPT_ALL | OPT_PERSIST | SLOTS },
		{ "status", OPT_JSON },
	};
	const int count = sizeof(commands) / sizeof(*commands);
	AUTO(list_free) struct list slots = { 0 };
	struct slot slot;
	int command, i;

	for (command = 0; command < count && strcmp(name, commands[command].name); command++)
		;
	if (command == count)
		return usage_error("unknown command ", name);
	if (options & ~commands[command].takes)
		return usage_error("an option given does not belong to ", name);
	if (given && !(commands[command].takes & SLOTS))
		return usage_error("one argument too many: ", args[0]);
	if (commands[command].takes & OPT_ALL && !given == !(options & OPT_ALL))
		return usage_error("either BDFs or --all must be given to ", name);
	/* All are checked before anything is done. */
	for (i = 0; i < given; i++) {
		if (!slot_parse(args[i], &slot))
			return usage_error("not a BDF like 0000:03:00.0, nor a pattern like 03:00.*: ",
					   args[i]);
		list_add(&slots, &slot);
	}

	if (!given)
		list_add(&slots, &slot_all);

	devices_scan();
	if (!strcmp(name, "list"))
		return list_devices(&slots, columns, options & OPT_JSON,
				    options & OPT_NOHEADINGS);
	if (!strcmp(name, "check"))
		return check_devices(&slots, options & OPT_JSON);
	if (!strcmp(name, "status"))
		return show_status(options & OPT_JSON);
	return switch_devices(&slots, options & OPT_PERSIST, !strcmp(name, "enable"));
}

/* Report output that was lost: a program would take half of it for all. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		return ERROR;
	}
	return status;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "noheadings", no_argument, NULL, OPT_NOHEADINGS },
		{ "output", required_argument, NULL, 'o' },
		{ "all", no_argument, NULL, OPT_ALL },
		{ "persist", no_argument, NULL, OPT_PERSIST },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	const char *columns = NULL;
	unsigned int options = 0;
	int option;

	/* In any locale: complain() has to know which characters are printable. */
	setlocale(LC_CTYPE, "C.UTF-8");
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ho:V", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			fputs(help, stdout);
			return finish(0);
		case 'V':
			puts("pciback-fixup " VERSION);
			return finish(0);
		case 'o':
			columns = optarg;
			options |= OPT_COLUMNS;
			break;
		case ':':
			return usage_error("columns must be given to --output", "");
		case '?':
			/* A letter may be one of several in an argument. */
			if (optopt && optopt < OPT_JSON)
				return usage_error("unknown option -", (char[]){ optopt, '\0' });
			return usage_error("unknown option ", argv[optind - 1]);
		default:
			options |= option;
		}
	}

	if (optind == argc)
		return usage_error("no command given", "");
	return finish(run(argv[optind], options, columns, argv + optind + 1, argc - optind - 1));
}
