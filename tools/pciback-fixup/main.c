// SPDX-License-Identifier: GPL-2.0
/*
 * pciback-fixup: which devices that are bound to xen-pciback are shown to
 * guests as Root Complex Integrated Endpoints (RCiEP), and switching that.
 * The commands, and what they print.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <pci/pci.h>

#include "pciback-fixup.h"

/* Exit statuses. That of check is 1 if all went well and Windows would reject a device. */
#define FAILED		1
#define REJECTED	1
#define ERROR		2

enum { JSON = 1, BDFS = 2, ALL = 4, PERSIST = 8 };	/* options */

struct command {
	const char *name;
	int (*run)(const struct command *command, unsigned int options,
		   struct device *devices, int count);
	unsigned int options;		/* that it takes */
	int max_bdfs;
	bool on;			/* what to switch to */
};

int complain(const char *fmt, ...)
{
	va_list args;

	/* What went well before comes first, also where both go to one file. */
	fflush(stdout);
	fputs("pciback-fixup: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* --- what stands in the way of a device, in one line ------------------------------------ */

static int require_bound(const struct device *dev)
{
	if (!dev->present)
		return complain(BDF_FMT ": no such device; to see which there are: lspci -D",
				BDF_ARG(&dev->bdf));
	if (!dev->bound)
		return complain(BDF_FMT ": not bound to pciback; to bind it: %sxl pci-assignable-add " BDF_FMT,
				BDF_ARG(&dev->bdf), sysfs_has("bus/pci/drivers/pciback") ? "" :
				"modprobe xen-pciback && ", BDF_ARG(&dev->bdf));
	if (dev->hardware_type == TYPE_UNKNOWN || dev->guest_type == TYPE_UNKNOWN)
		return complain(BDF_FMT ": its type cannot be read; %s", BDF_ARG(&dev->bdf),
				geteuid() ? "run this as root" : "it does not answer, see dmesg");
	return 0;
}

static int require_switchable(const struct device *dev)
{
	if (require_bound(dev))
		return -1;
	if (!type_is_endpoint(dev->hardware_type))
		return complain(BDF_FMT ": not an endpoint, and so never changed: its type is %s",
				BDF_ARG(&dev->bdf), type_name(dev->hardware_type));
	if (!sysfs_has("module/xen_pciback_fixup"))
		return complain(BDF_FMT ": the module is not loaded; to load it: modprobe xen-pciback-fixup",
				BDF_ARG(&dev->bdf));
	if (!dev->offered)
		return complain(BDF_FMT ": the module could not take it on, see dmesg; to retry: xl pci-assignable-remove " BDF_FMT " && xl pci-assignable-add " BDF_FMT,
				BDF_ARG(&dev->bdf), BDF_ARG(&dev->bdf), BDF_ARG(&dev->bdf));
	return 0;
}

/* --- list ---------------------------------------------------------------------------------- */

#define ROW "%-13s  %-16s  %-16s  %6s  %-14s  %-10s  %s\n"

/* What is known of a device beyond sysfs. */
struct extra {
	char name[256];
	unsigned int domid;
	char domain[64];
	bool held;
	int persistent;		/* -1: not known */
};

static void print_row(const struct device *dev, const struct extra *extra)
{
	static const char * const answers[] = { "-", "no", "yes" };
	char bdf[32], hits[24] = "-", domain[80] = "-";

	snprintf(bdf, sizeof(bdf), BDF_FMT, BDF_ARG(&dev->bdf));
	if (dev->offered)
		snprintf(hits, sizeof(hits), "%lu", dev->hits);
	if (extra->held)
		snprintf(domain, sizeof(domain), "%u %s", extra->domid, extra->domain);
	printf(ROW, bdf, type_name(dev->hardware_type), type_name(dev->guest_type), hits, domain,
	       answers[extra->persistent + 1], extra->name);
}

/* Names come from files that anybody may have edited: be valid whatever they hold. */
static void json_string(const char *key, const char *text)
{
	size_t length;

	printf(", \"%s\": \"", key);
	for (; *text; text += length) {
		length = mbrlen(text, MB_CUR_MAX, &(mbstate_t){ 0 });
		if (length > MB_CUR_MAX) {
			printf("\\ufffd");
			length = 1;
		} else if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\') {
			printf("\\u%04x", *text);
		} else {
			printf("%.*s", (int)length, text);
		}
	}
	putchar('"');
}

static void print_json(const struct device *dev, const struct extra *extra)
{
	static const char * const answers[] = { "null", "false", "true" };

	printf("{\"bdf\": \"" BDF_FMT "\", \"vendor\": \"0x%04x\", \"device\": \"0x%04x\"",
	       BDF_ARG(&dev->bdf), dev->vendor, dev->device);
	json_string("name", extra->name);
	json_string("hardware_type", type_name(dev->hardware_type));
	json_string("guest_type", type_name(dev->guest_type));
	if (dev->offered)
		printf(", \"rciep\": %s, \"hits\": %lu", dev->rciep ? "true" : "false", dev->hits);
	else
		printf(", \"rciep\": null, \"hits\": null");
	if (extra->held) {
		printf(", \"domid\": %u", extra->domid);
		json_string("domain", extra->domain);
	} else {
		printf(", \"domid\": null, \"domain\": null");
	}
	printf(", \"persistent\": %s}", answers[extra->persistent + 1]);
}

static int list(const struct device *devices, int count, bool json)
{
	char *domains = count ? domains_read() : strdup("");
	struct pci_access *names = names_open();
	struct extra extra = { .persistent = 0 };
	int i;

	if (json)
		putchar('[');
	else
		printf(ROW, "BDF", "HARDWARE", "GUESTS SEE", "HITS", "DOMAIN", "PERSISTENT",
		       "NAME");

	for (i = 0; i < count; i++) {
		names_lookup(names, &devices[i], extra.name, sizeof(extra.name));
		extra.held = domains_find(domains, &devices[i].bdf, &extra.domid,
					  extra.domain, sizeof(extra.domain));
		/* One complaint about the file is enough. */
		if (extra.persistent >= 0)
			extra.persistent = persist_listed(&devices[i].bdf);
		if (json && i)
			printf(",\n ");
		(json ? print_json : print_row)(&devices[i], &extra);
	}

	if (json)
		puts("]");
	pci_cleanup(names);
	free(domains);
	return extra.persistent < 0 ? FAILED : 0;
}

static int cmd_list(const struct command *command, unsigned int options,
		    struct device *devices, int count)
{
	int i;

	(void)command;
	if (!(options & BDFS))
		return list(devices, count, options & JSON);
	for (i = 0; i < count; i++)
		printf(BDF_FMT "\n", BDF_ARG(&devices[i].bdf));
	return 0;
}

/* --- check --------------------------------------------------------------------------------- */

static int check(const struct device *dev)
{
	unsigned int type = dev->guest_type;

	if (require_bound(dev))
		return ERROR;

	printf(BDF_FMT ": ", BDF_ARG(&dev->bdf));
	if (!type_is_endpoint(type)) {
		printf("%s: guests see %s\n",
		       type == PCI_EXP_TYPE_ROOT_INT_EP || type == TYPE_CONVENTIONAL ?
		       "accepted" : "not an endpoint, not judged", type_name(type));
		return 0;
	}

	printf("rejected (Code 10): guests see %s, which on bus 0 has no port above it; ",
	       type_name(type));
	if (dev->rciep)
		puts("though rciep is 1: dmesg says which other module to unload");
	else
		printf("to mend it: %spciback-fixup enable " BDF_FMT "\n",
		       sysfs_has("module/xen_pciback_fixup") ? "" :
		       "modprobe xen-pciback-fixup && ", BDF_ARG(&dev->bdf));
	return REJECTED;
}

static int cmd_check(const struct command *command, unsigned int options,
		     struct device *devices, int count)
{
	int i, ret, status = 0;

	(void)command;
	(void)options;
	if (!count)
		puts("no device is bound to pciback; to bind one: xl pci-assignable-add BDF");
	for (i = 0; i < count; i++) {
		ret = check(&devices[i]);
		if (status < ret)
			status = ret;
	}
	return status;
}

/* --- enable, disable ----------------------------------------------------------------------- */

static int switch_device(const struct device *dev, bool on)
{
	struct device now = { .bdf = dev->bdf };
	int err;

	if (require_switchable(dev))
		return -1;

	err = device_switch(&dev->bdf, on);
	if (err)
		return complain(BDF_FMT ": rciep cannot be written: %s; %s", BDF_ARG(&dev->bdf),
				strerror(err), geteuid() ? "run this as root" : "see dmesg");

	/* What guests see is read, never concluded from what was written. */
	device_read(&now);
	if (now.guest_type != (on ? PCI_EXP_TYPE_ROOT_INT_EP : now.hardware_type))
		return complain(BDF_FMT ": rciep was written, but guests still see %s (guest_flags 0x%04x): dmesg says which other module to unload",
				BDF_ARG(&dev->bdf), type_name(now.guest_type), now.guest_flags);

	printf(BDF_FMT ": guests that start now see %s (guest_flags 0x%04x)\n",
	       BDF_ARG(&dev->bdf), type_name(now.guest_type), now.guest_flags);
	return 0;
}

static int enable(const struct device *dev, bool persist)
{
	if (switch_device(dev, true))
		return -1;
	return persist ? persist_set(&dev->bdf, true) : 0;
}

static int disable(const struct device *dev, bool persist)
{
	int removed = persist ? persist_set(&dev->bdf, false) : 0;

	/* Without the device or the module that was all there is to do. */
	if (removed < 0 || (removed && !dev->offered))
		return removed;
	return switch_device(dev, false);
}

static int cmd_switch(const struct command *command, unsigned int options,
		      struct device *devices, int count)
{
	int i, done = 0, status = 0;

	for (i = 0; i < count; i++) {
		/* All of them stands for all that can be switched. */
		if (options & ALL && !type_is_endpoint(devices[i].hardware_type))
			continue;
		done++;
		if ((command->on ? enable : disable)(&devices[i], options & PERSIST) < 0)
			status = FAILED;
	}
	if (!done) {
		complain("no endpoint is bound to pciback; to bind one: xl pci-assignable-add BDF");
		status = FAILED;
	}
	return status;
}

/* --- the command line ---------------------------------------------------------------------- */

static const struct command commands[] = {
	{ "list", cmd_list, JSON | BDFS, 0, false },
	{ "check", cmd_check, 0, 1, false },
	{ "enable", cmd_switch, ALL | PERSIST, INT_MAX, true },
	{ "disable", cmd_switch, ALL | PERSIST, INT_MAX, false },
};

static const char help[] =
	"usage: pciback-fixup list [--json | --bdf]\n"
	"       pciback-fixup check [BDF]\n"
	"       pciback-fixup enable [--persist] BDF... | --all\n"
	"       pciback-fixup disable [--persist] BDF... | --all\n"
	"\n"
	"Shows Xen guests the PCI Express endpoints that are passed through to them as\n"
	"part of the root complex (RCiEP), so that Windows accepts them on bus 0.\n"
	"\n"
	"  list       the devices that are bound to pciback, and what guests see of them\n"
	"  check      which of them Windows would reject (Code 10), why, and the remedy;\n"
	"             exit status 0: none, 1: some, 2: it could not be found out\n"
	"  enable     show guests an RCiEP\n"
	"  disable    show guests what the hardware is\n"
	"\n"
	"  --json     for programs\n"
	"  --bdf      the BDFs only, one a line\n"
	"  --all      all endpoints that are bound to pciback\n"
	"  --persist  also write it to the file that modprobe reads\n"
	"  --help, --version\n"
	"\n"
	"A BDF is like 0000:03:00.0, or 03:00.0 in domain 0. More: man pciback-fixup\n";

static int usage_error(const char *what, const char *arg)
{
	complain("%s%s; see pciback-fixup --help", what, arg);
	return ERROR;
}

static int run(const struct command *command, unsigned int options, char **args, int given)
{
	struct device *devices;
	int i, status, count = given;

	if (options & ~command->options)
		return usage_error("an option given is not one of ", command->name);
	if (options == (JSON | BDFS))
		return usage_error("either --json or --bdf", "");
	if (given > command->max_bdfs)
		return usage_error("one argument too many: ", args[command->max_bdfs]);
	if (command->options & ALL && !given == !(options & ALL))
		return usage_error("either BDFs or --all must be given to ", command->name);

	devices = count ? calloc(count, sizeof(*devices)) : devices_bound(&count);
	if (!devices)
		abort();
	/* All are checked before anything is done. */
	for (i = 0; i < given; i++) {
		if (!bdf_parse(args[i], &devices[i].bdf)) {
			status = usage_error("not a BDF like 0000:03:00.0: ", args[i]);
			goto out;
		}
		device_read(&devices[i]);
	}
	status = command->run(command, options, devices, count);
out:
	free(devices);
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
		{ "bdf", no_argument, NULL, BDFS },
		{ "all", no_argument, NULL, ALL },
		{ "persist", no_argument, NULL, PERSIST },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	unsigned int options = 0, i;
	int option;

	setlocale(LC_CTYPE, "C.UTF-8");		/* only for json_string() */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			fputs(help, stdout);
			return finish(0);
		case 'V':
			puts("pciback-fixup " VERSION);
			return finish(0);
		case '?':
			return usage_error("unknown option ", argv[optind - 1]);
		default:
			options |= option;
		}
	}

	if (optind == argc)
		return usage_error("no command given", "");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[optind], commands[i].name))
			return finish(run(&commands[i], options, argv + optind + 1,
					  argc - optind - 1));
	return usage_error("unknown command ", argv[optind]);
}
