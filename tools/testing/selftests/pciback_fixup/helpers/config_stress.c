// SPDX-License-Identifier: GPL-2.0
/*
 * Read a device's PCI_EXP_FLAGS on every CPU at once, with reads of 1, 2 and 4
 * bytes, while its overlay is switched on and off. Each value must be one of the
 * two legal ones, and a read that starts after the write of 0 has returned must
 * be the hardware's. The device may come and go meanwhile.
 *
 * usage: config_stress BDF OFFSET HARDWARE TOGGLES READS
 *
 * OFFSET is that of PCI_EXP_FLAGS, HARDWARE what the device has there. Ends when
 * there were at least TOGGLES times on and off, and READS reads; with TOGGLES 0 it
 * only reads, until SIGTERM.
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

#define MAX_CPUS 256

static char config[128], rciep[128];
static int offset;
static unsigned int hardware, changed;

/*
 * Odd while the overlay may be on; even from when the write of 0 has returned
 * until just before the next write of 1.
 */
static atomic_uint generation;
static atomic_bool stop;

static struct reader {
	pthread_t thread;
	int cpu;
	atomic_ulong reads, seen_changed;
	unsigned long illegal, late, gone;
} readers[MAX_CPUS];

/* One read; false if the device is not there. */
static bool read_once(struct reader *reader, int fd)
{
	static const int sizes[] = { 1, 2, 4 };
	int size = sizes[reader->reads % 3];
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
		reader->seen_changed++;
		if (before == after && !(before % 2))
			reader->late++;
	} else if (val != (hardware & mask)) {
		if (!reader->illegal++)
			warnx("%d bytes at 0x%x: read 0x%x", size, where, val);
	}
	reader->reads++;
	return true;
}

static void *reader_main(void *arg)
{
	struct reader *reader = arg;
	cpu_set_t set;
	int fd = -1;

	CPU_ZERO(&set);
	CPU_SET(reader->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);

	while (!stop) {
		if (fd < 0)
			fd = open(config, O_RDONLY);
		if (fd >= 0 && read_once(reader, fd))
			continue;
		reader->gone++;
		if (fd >= 0)
			close(fd);
		fd = -1;
		usleep(1000);
	}
	if (fd >= 0)
		close(fd);

	return NULL;
}

/* Write to rciep, and wait for the device if it is not there. */
static void write_rciep(const char *value)
{
	for (;; usleep(1000)) {
		int fd = open(rciep, O_WRONLY);

		/* ENODEV: it goes just now */
		if (fd < 0 && (errno == ENOENT || errno == ENODEV))
			continue;
		if (fd < 0)
			err(1, "%s", rciep);
		if (write(fd, value, 1) == 1) {
			close(fd);
			return;
		}
		if (errno != ENODEV)
			err(1, "%s: write of %s", rciep, value);
		close(fd);
	}
}

static void on_sigterm(int signal)
{
	(void)signal;
	stop = true;
}

static unsigned long sum_reads(int count)
{
	unsigned long sum = 0;

	while (count--)
		sum += readers[count].reads;

	return sum;
}

int main(int argc, char **argv)
{
	unsigned long toggles, reads, done = 0;
	unsigned long illegal = 0, late = 0, gone = 0, seen_changed = 0;
	int count = 0, cpu, i;
	cpu_set_t set;

	if (argc != 6)
		errx(2, "usage: config_stress BDF OFFSET HARDWARE TOGGLES READS");
	snprintf(config, sizeof(config), "/sys/bus/pci/devices/%s/config", argv[1]);
	snprintf(rciep, sizeof(rciep), "/sys/bus/pci/devices/%s/pciback_fixup/rciep", argv[1]);
	offset = strtol(argv[2], NULL, 0);
	hardware = strtoul(argv[3], NULL, 0);
	toggles = strtoul(argv[4], NULL, 0);
	reads = strtoul(argv[5], NULL, 0);
	changed = (hardware & ~0xf0) | 0x90;

	signal(SIGTERM, on_sigterm);
	if (toggles)
		write_rciep("0");
	else
		generation = 1;
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE && count < MAX_CPUS; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		readers[count].cpu = cpu;
		if (pthread_create(&readers[count].thread, NULL, reader_main, &readers[count]))
			errx(1, "no thread for CPU %d", cpu);
		count++;
	}

	while (!stop && toggles && (done < toggles || sum_reads(count) < reads)) {
		generation++;
		write_rciep("1");
		write_rciep("0");
		generation++;
		done++;
	}
	while (!stop && !toggles)
		usleep(10000);

	stop = true;
	for (i = 0; i < count; i++) {
		pthread_join(readers[i].thread, NULL);
		illegal += readers[i].illegal;
		late += readers[i].late;
		gone += readers[i].gone;
		seen_changed += readers[i].seen_changed;
	}
	printf("# %lu times on and off, %lu reads on %d CPUs, %lu of them changed\n",
	       done, sum_reads(count), count, seen_changed);
	printf("# %lu times the device was not there\n", gone);
	if (illegal)
		printf("# %lu values were neither 0x%04x nor 0x%04x\n", illegal, hardware, changed);
	if (late)
		printf("# %lu reads were changed after the write of 0 had returned\n", late);

	return illegal || late || !sum_reads(count) || (toggles && !seen_changed);
}
