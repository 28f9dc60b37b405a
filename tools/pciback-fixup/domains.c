// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds a device. The toolstack writes that into xenstore, as
 *
 *   /local/domain/0/backend/pci/<domid>/0/domain = <name of the domain>
 *   /local/domain/0/backend/pci/<domid>/0/dev-<n> = <BDF>
 *   /local/domain/0/backend/pci/<domid>/0/state = <state of the connection>
 *
 * If the device model runs in a stub domain, <domid> is that domain's.
 */

#include <pthread.h>
#include <time.h>

#include <xenstore.h>

#include "pciback-fixup.h"

#define BACKEND		"/local/domain/0/backend/pci"

static struct holder *holders;
static int count;
static bool answered;

/* The value of a key, "" if there is none; to be freed. */
static char *read_key(struct xs_handle *xs, const char *dir, const char *key)
{
	AUTOFREE char *path = format("%s/%s", dir, key);

	return xs_read(xs, XBT_NULL, path, NULL) ?: need(strdup(""));
}

static void read_backend(struct xs_handle *xs, const char *domid)
{
	AUTOFREE char *dir = format(BACKEND "/%s/0", domid), **keys = NULL;
	AUTOFREE char *name = read_key(xs, dir, "domain"), *state = read_key(xs, dir, "state");
	struct slot slot;
	unsigned int i, n = 0;

	/* State 6 is Closed: the guest is gone. */
	if (strcmp(state, "6"))
		keys = xs_directory(xs, XBT_NULL, dir, &n);
	for (i = 0; i < n && keys; i++) {
		AUTOFREE char *bdf = read_key(xs, dir, keys[i]);

		if (strncmp(keys[i], "dev-", 4) || !slot_parse(bdf, &slot))
			continue;
		holders = need(realloc(holders, (count + 1) * sizeof(*holders)));
		holders[count++] = (struct holder){
			.slot = slot,
			.domid = strtoul(domid, NULL, 10),
			.name = clean(name),
		};
	}
}

static void *read_backends(void *data)
{
	struct xs_handle *xs = xs_open(0);
	AUTOFREE char **domids = NULL;
	unsigned int i, n = 0;

	if (!xs)
		return data;
	domids = xs_directory(xs, XBT_NULL, BACKEND, &n);
	for (i = 0; i < n && domids; i++)
		read_backend(xs, domids[i]);
	xs_close(xs);
	return data;
}

/*
 * libxenstore waits for ever if xenstored does not answer, so a thread reads it.
 * After two seconds the thread is left behind, and its results are not used.
 */
static void read_once(void)
{
	static bool asked;
	struct timespec end;
	pthread_t thread;

	if (asked || pthread_create(&thread, NULL, read_backends, NULL))
		return;
	asked = true;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 2;
	answered = !pthread_timedjoin_np(thread, NULL, &end);
	if (!answered)
		complain("xenstored does not answer: which domain holds a device is not known");
}

/* A domain that died may have left its entry: the highest ID is the newest. */
const struct holder *domains_find(const struct device *dev)
{
	const struct holder *holder = NULL;
	int i;

	read_once();
	for (i = 0; answered && i < count; i++)
		if (slot_covers(&holders[i].slot, &dev->slot) &&
		    (!holder || holders[i].domid > holder->domid))
			holder = &holders[i];
	return holder;
}
