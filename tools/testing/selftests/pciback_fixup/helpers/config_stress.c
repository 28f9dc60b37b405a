// SPDX-License-Identifier: GPL-2.0
/*
 * Read a device's PCI_EXP_FLAGS on every CPU at once, with 1, 2 and 4 bytes, while its
 * overlay is switched on and off. Each value must be the hardware's or the changed one,
 * and the hardware's if the read starts after the write of 0 has returned. The device may
 * come and go meanwhile.
 *
 * usage: config_stress BDF OFFSET HARDWARE TOGGLES READS
 *
 * OFFSET is that of PCI_EXP_FLAGS, HARDWARE its value. Ends after at least TOGGLES times on
 * and off, and READS reads; with TOGGLES 0 it only reads, until SIGTERM.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char config[128], rciep[128];
static int offset;
static unsigned int hardware, changed;

/* Even from the return of the write of 0 until the next write of 1: the overlay is off */
static atomic_uint generation;
static atomic_bool stop;
static atomic_ulong reads, seen_changed, illegal, late;

/* Returns false if the device is not there. */
static bool read_once(int fd, int size)
{
	int where = size == 4 ? offset - 2 : offset;
	unsigned int before, after, mask;
	uint32_t val = 0;

	before = atomic_load(&generation);
	if (pread(fd, &val, size, where) != size)
		return false;
	after = atomic_load(&generation);

	if (size == 4)
		val >>= 16;
	mask = size == 1 ? 0xff : 0xffff;
	if (val == (changed & mask)) {
		seen_changed++;
		if (before == after && !(before % 2))
			late++;
	} else if (val != (hardware & mask)) {
		if (!illegal++)
			warnx("%d bytes at 0x%x: read 0x%x", size, where, val);
	}
	reads++;
	return true;
}

static void *reader(void *cpu)
{
	static const int sizes[] = { 1, 2, 4 };
	unsigned int n = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((long)cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);

	for (; !stop; usleep(1000)) {
		int fd = open(config, O_RDONLY);

		while (!stop && fd >= 0 && read_once(fd, sizes[n++ % 3]))
			;
		if (fd >= 0)
			close(fd);
	}

	return NULL;
}

/* Write to rciep, and wait for the device if it is not there. */
static void write_rciep(const char *value)
{
	for (;; usleep(1000)) {
		int fd = open(rciep, O_WRONLY);
		bool written = fd >= 0 && write(fd, value, 1) == 1;

		/* ENODEV: it is being removed */
		if (!written && errno != ENODEV && (fd >= 0 || errno != ENOENT))
			err(1, "%s: write of %s", rciep, value);
		if (fd >= 0)
			close(fd);
		if (written)
			return;
	}
}

static void on_sigterm(int signal)
{
	(void)signal;
	stop = true;
}

int main(int argc, char **argv)
{
	unsigned long toggles, min_reads, done = 0;
	pthread_t threads[CPU_SETSIZE];
	int count = 0, i;
	cpu_set_t set;
	long cpu;

	if (argc != 6)
		errx(2, "usage: config_stress BDF OFFSET HARDWARE TOGGLES READS");
	snprintf(config, sizeof(config), "/sys/bus/pci/devices/%s/config", argv[1]);
	snprintf(rciep, sizeof(rciep), "/sys/bus/pci/devices/%s/pciback_fixup/rciep", argv[1]);
	offset = strtol(argv[2], NULL, 0);
	hardware = strtoul(argv[3], NULL, 0);
	toggles = strtoul(argv[4], NULL, 0);
	min_reads = strtoul(argv[5], NULL, 0);
	changed = (hardware & ~0xf0) | 0x90;

	signal(SIGTERM, on_sigterm);
	if (toggles)
		write_rciep("0");
	else
		generation = 1;
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (pthread_create(&threads[count++], NULL, reader, (void *)cpu))
			errx(1, "no thread for CPU %ld", cpu);
	}

	while (!stop && toggles && (done < toggles || reads < min_reads)) {
		generation++;
		write_rciep("1");
		write_rciep("0");
		generation++;
		done++;
	}
	while (!stop && !toggles)
		usleep(10000);

	stop = true;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("# %lu times on and off, %lu reads on %d CPUs, %lu of them changed\n",
	       done, reads, count, seen_changed);
	if (illegal)
		printf("# %lu values were neither 0x%04x nor 0x%04x\n", illegal, hardware, changed);
	if (late)
		printf("# %lu reads were changed after the write of 0 had returned\n", late);

	return illegal || late || !reads || (toggles && !seen_changed);
}
