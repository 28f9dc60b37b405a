# SPDX-License-Identifier: GPL-2.0
# Each line has a read of config space while off, and one while on: SIZE OFFSET VALUE,
# twice. Their values must be equal except for the type, in the byte at the offset "at".
{
	size = $1; offset = $2; want = $3
	if ($4 != size || $5 != offset) { bad++; next }
	if (offset <= at && at < offset + size) {
		unit = 16 * 256 ^ (at - offset)
		type = int(want / unit) % 16
		if (type > 1) bad++
		want += (9 - type) * unit
		changed++
	}
	if ($6 != want && bad++ < 5)
		printf "# %d bytes at 0x%02x: %x, must be %x\n", size, offset, $6, want
	n++
}
END {
	printf "# %d reads, %d of them over the type\n", n, changed
	exit bad || n != 256 + 255 + 254 + 253 + 252 + 251 || changed != 21
}
