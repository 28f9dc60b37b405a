# SPDX-License-Identifier: GPL-2.0
# Draws the first part of make bench's table: how much longer a read takes, in
# thousandths, and its bound. Needs the variables table and out.
set terminal svg size 900,420 font "sans,14" background "white"
set output out
set title "What the module adds to a read of config space"
set xlabel "thousandths of the read without the module"
set yrange [*:*] reverse
set xrange [-1:11]
set style fill solid 0.6
set boxwidth 0.6
set grid x
set key bottom right
set lmargin 38
set offsets 0, 0, 0.3, 0.3
set datafile separator "\t"
rows = "< awk -F '\\t' '$2 && $4 ~ /\\./ && $1 ~ /(dom0|guest):/ { n++; printf \"%d\\t%s\\t%.3f\\t%s\\n\", n, $1, ($4 - 1) * 1000, $5 == \"-\" ? \"\" : ($5 - 1) * 1000 }' " . table
plot rows using (0):1:(0):3:($1 - 0.3):($1 + 0.3):ytic(2) with boxxyerror \
		linecolor rgb "#4477aa" title "measured", \
	rows using 4:1 with points pointtype 9 pointsize 1.2 \
		linecolor rgb "#cc3311" title "at most"
