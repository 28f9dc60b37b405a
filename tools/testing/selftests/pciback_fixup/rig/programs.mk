# SPDX-License-Identifier: GPL-2.0
# What runs in dom0 and in guests, in a folder that has the sources of all of it: the
# selftests' programs, the command, and in static/ what needs no library, for guests.
all: bin/pciback-fixup static/config_reads static/config_views static/hammer static/fabric_check
	$(MAKE) all CC=gcc

bin/pciback-fixup:
	$(MAKE) -C tools/pciback-fixup clean
	$(MAKE) -C tools/pciback-fixup CC=gcc CFLAGS="-O2 -Werror" VERSION=$(VERSION)
	install -D tools/pciback-fixup/pciback-fixup $@

vpath %.c helpers
static/%: %.c
	mkdir -p static
	gcc -static -s -Os -Wall -o $@ $<

.PHONY: all
