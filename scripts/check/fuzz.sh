#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make fuzz: the parser of device lists, which module and command share, under libFuzzer
# with the address and undefined behaviour sanitizers.
#   SECONDS_OF_FUZZ   how long (600)
. "$(dirname "$0")/../../tools/testing/selftests/pciback_fixup/rig/lib.sh"

limit=${SECONDS_OF_FUZZ:-600}
need clang libc6-dev
version=$(clang -dumpversion)
need "libclang-rt-${version%%.*}-dev"

dir=$BUILD/fuzz
mkdir -p "$dir/corpus"
run_logged "$dir/build.log" clang -g -O1 -Wall -Wextra -Werror \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-I "$TOP/tools/pciback-fixup" -I "$MODULE_DIR" -o "$dir/devlist_fuzz" \
	"$CHECKS/fuzz/devlist_fuzz.c"

say "fuzzing for $limit s"
printf '%s' '(0000:03:00.0)(04:00.*)(05:*.*)' >"$dir/corpus/slots"
printf '"%s"\n' '(' ')' ':' '.' '*' '*.*' 1f 7 7fffffff 80000000 00000000 all >"$dir/words"
cd "$dir"
fuzzed() {
	./devlist_fuzz -max_total_time="$limit" -max_len=512 -dict=words -print_final_stats=1 \
		-artifact_prefix="$dir/" corpus 2>&1 | tee fuzz.log
}
succeeds "the parser of device lists, fuzzed" fuzzed
sed -nE 's/^stat::number_of_executed_units: */# inputs: /p; s/.*DONE *(cov: [0-9]+).*/# \1/p' fuzz.log
ktap_finished
