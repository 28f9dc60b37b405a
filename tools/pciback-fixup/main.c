// SPDX-License-Identifier: GPL-2.0
/*
 * pciback-fixup: which devices that are bound to xen-pciback are shown to
 * guests as Root Complex Integrated Endpoints (RCiEP), and switching that.
 * The command line, and enable and disable.
 */

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pciback-fixup.h"

/* Options, and whether a command takes BDFs. All but SLOTS are less than any letter. */
enum { JSON = 1, NOHEADINGS = 2, COLUMNS = 4, ALL = 8, PERSIST = 16, SLOTS = 32 };

/* --- what stands in the way of a device, in one line ------------------------------------ */

int require_bound(const struct slot *slot, const struct device *dev)
{
	struct slot_text bdf = slot_text(slot);

	if (!slot_is_bdf(slot))
		return complain("%s: none of these is an endpoint that is bound to pciback; to see what is: pciback-fixup list",
				bdf.text);
	if (!dev)
		return complain("%s: no such device; to see which there are: lspci -D", bdf.text);
	if (!dev->bound)
		return complain("%s: not bound to pciback; to bind it: %sxl pci-assignable-add %s",
				bdf.text, exists(PCIBACK) ? "" : "modprobe xen-pciback && ",
				bdf.text);
	return 0;
}

int require_type(const struct device *dev)
{
	if (dev->hardware_type != TYPE_UNKNOWN && dev->guest_type != TYPE_UNKNOWN)
		return 0;
	return complain("%s: its type cannot be read; %s", dev->bdf,
			geteuid() ? "run this as root" : "it does not answer, see dmesg");
}

static int require_endpoint(const struct device *dev)
{
	if (require_type(dev))
		return -1;
	if (!type_is_endpoint(dev->hardware_type))
		return complain("%s: not an endpoint, and so never changed: its type is %s",
				dev->bdf, type_name(dev->hardware_type));
	return 0;
}

static int require_switchable(const struct device *dev)
{
	if (require_endpoint(dev))
		return -1;
	if (!exists(LOADED))
		return complain("%s: the module is not loaded; to load it: modprobe xen-pciback-fixup",
				dev->bdf);
	if (!dev->offered)
		return complain("%s: the module could not take it on, see dmesg; to retry: xl pci-assignable-remove %s && xl pci-assignable-add %s",
				dev->bdf, dev->bdf, dev->bdf);
	return 0;
}

/* --- enable, disable ----------------------------------------------------------------------- */

static const char *explain(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "run this as root";
	case EBUSY:
		return "another module has replaced the config space operations of its bus, dmesg says which";
	case EIO:
		return "guests would not see the change, dmesg says why";
	default:
		return "see dmesg";
	}
}

static int switch_device(const struct device *dev, bool on)
{
	const struct holder *holder;
	struct device now = *dev;
	int err;

	if (require_switchable(dev))
		return -1;

	err = device_switch(dev, on);
	if (err)
		return complain("%s: rciep cannot be written: %s; %s", dev->bdf, strerror(err),
				explain(err));

	/* What guests see is read, never concluded from what was written. */
	device_read(&now);
	if (now.guest_type != (on ? PCI_EXP_TYPE_ROOT_INT_EP : now.hardware_type))
		return complain("%s: rciep was written, but guests still see %s (guest_flags 0x%04x): dmesg says which other module to unload",
				dev->bdf, type_name(now.guest_type), now.guest_flags);

	printf("%s: guests that start now see %s (guest_flags 0x%04x)\n",
	       dev->bdf, type_name(now.guest_type), now.guest_flags);

	domains_read();
	holder = domains_find(dev);
	if (holder && dev->rciep != on)
		complain("%s: warning: domain %u (%s) holds it, and keeps the type that it read when it started: shut it down and start it again",
			 dev->bdf, holder->domid, holder->name);
	return 0;
}

/* Switch all that a slot stands for, or all endpoints; note what to make persistent. */
static int switch_slot(const struct devices *devices, const struct slot *slot,
		       bool persistent, bool on, struct list *done)
{
	bool one = slot && slot_is_bdf(slot), found = false, failed;
	struct device *dev;
	int i, ret = 0;

	for (i = 0; i < devices->count; i++) {
		dev = &devices->all[i];
		if (!dev->bound || (slot && !slot_covers(slot, &dev->slot)))
			continue;
		/* Several stand for those of them that can be switched. */
		if (!one && !type_is_endpoint(dev->hardware_type))
			continue;
		found = true;
		/* What the module does not know is off. */
		failed = (on || !persistent || dev->offered) && switch_device(dev, on);
		if (failed)
			ret = -1;
		/* What could not be switched off now is to be off later at least. */
		if (!slot && !(failed && on))
			list_add(done, &dev->slot);
	}

	if (!slot)
		return found ? ret : complain("no endpoint is bound to pciback; to bind one: xl pci-assignable-add BDF");
	dev = devices_find(devices, slot);
	if (!found && !persistent)
		return require_bound(slot, dev);
	if (!found && on) {
		/* What is there can be looked at. */
		if (one && dev) {
			device_read(dev);
			if (require_endpoint(dev))
				return -1;
		}
		printf("%s: not bound to pciback now; shown as RCiEP whenever it is, from the next load of the module on\n",
		       slot_text(slot).text);
	}
	if (!ret || !on)
		list_add(done, slot);
	return ret;
}

static int switch_all(const struct devices *devices, const struct list *slots,
		      unsigned int options, bool on)
{
	bool persistent = options & PERSIST;
	struct list done = { 0 };
	int i, status = 0;

	if (options & ALL && switch_slot(devices, NULL, persistent, on, &done))
		status = FAILED;
	for (i = 0; i < slots->count; i++)
		if (switch_slot(devices, &slots->slots[i], persistent, on, &done))
			status = FAILED;
	if (persistent && done.count && persist(devices, &done, on))
		status = FAILED;
	free(done.slots);
	return status;
}

/* --- the command line ---------------------------------------------------------------------- */

static const char help[] =
	"usage: pciback-fixup list [--json] [--output COLUMNS] [--noheadings] [BDF...]\n"
	"       pciback-fixup check [--json] [BDF...]\n"
	"       pciback-fixup enable [--persist] BDF... | --all\n"
	"       pciback-fixup disable [--persist] BDF... | --all\n"
	"       pciback-fixup status [--json]\n"
	"\n"
	"Shows Xen guests the PCI Express endpoints that are passed through to them as\n"
	"part of the root complex (RCiEP), so that Windows accepts them on bus 0 of a\n"
	"PCIe-aware (Q35) chipset.\n"
	"\n"
	"  list       the devices that are bound to pciback, and what guests see of them\n"
	"  check      which of them would be rejected, why, and the remedy;\n"
	"             exit status 0: none, 1: some, 2: it could not be found out\n"
	"  enable     show guests an RCiEP\n"
	"  disable    show guests what the hardware is\n"
	"  status     what is loaded, what is in force after the next boot, what to do next\n"
	"\n"
	"  --json     for programs\n"
	"  --output   the columns to show, by their names with commas between them\n"
	"  --noheadings\n"
	"  --all      all endpoints that are bound to pciback\n"
	"  --persist  also after the next boot; takes what is not bound yet as well\n"
	"  --help, --version\n"
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
		{ "list", JSON | NOHEADINGS | COLUMNS | SLOTS },
		{ "check", JSON | SLOTS },
		{ "enable", ALL | PERSIST | SLOTS },
		{ "disable", ALL | PERSIST | SLOTS },
		{ "status", JSON },
	};
	const int count = sizeof(commands) / sizeof(*commands);
	struct devices devices;
	struct list slots = { 0 };
	struct slot slot;
	int command, status, i;

	for (command = 0; command < count && strcmp(name, commands[command].name); command++)
		;
	if (command == count)
		return usage_error("unknown command ", name);
	if (options & ~commands[command].takes)
		return usage_error("an option given is not one of ", name);
	if (given && !(commands[command].takes & SLOTS))
		return usage_error("one argument too many: ", args[0]);
	if (commands[command].takes & ALL && !given == !(options & ALL))
		return usage_error("either BDFs or --all must be given to ", name);
	/* All are checked before anything is done. */
	for (i = 0; i < given; i++) {
		if (!slot_parse(args[i], &slot)) {
			free(slots.slots);
			return usage_error("not a BDF like 0000:03:00.0, nor a pattern like 03:00.*: ",
					   args[i]);
		}
		list_add(&slots, &slot);
	}

	devices_scan(&devices);
	if (!strcmp(name, "list"))
		status = list_devices(&devices, &slots, columns, options & JSON,
				      options & NOHEADINGS);
	else if (!strcmp(name, "check"))
		status = check_devices(&devices, &slots, options & JSON);
	else if (!strcmp(name, "status"))
		status = show_status(&devices, options & JSON);
	else
		status = switch_all(&devices, &slots, options, !strcmp(name, "enable"));
	devices_free(&devices);
	free(slots.slots);
	return status;
}

/* What was printed must have arrived, or a program would take half of it for all. */
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
		{ "json", no_argument, NULL, JSON },
		{ "noheadings", no_argument, NULL, NOHEADINGS },
		{ "output", required_argument, NULL, 'o' },
		{ "all", no_argument, NULL, ALL },
		{ "persist", no_argument, NULL, PERSIST },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	const char *columns = NULL;
	unsigned int options = 0;
	int option;

	/* Whatever the locale: what is not printable in it must be known. */
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
			options |= COLUMNS;
			break;
		case ':':
			return usage_error("columns must be given to --output", "");
		case '?':
			/* A letter among others is not argv[optind - 1]. */
			if (optopt > PERSIST)
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
