# SPDX-License-Identifier: GPL-2.0
# Build the programs for dom0 and guests in a folder with their sources: the selftests'
# helpers, the command, and in static/ those for guests, without libraries.
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
