# SPDX-License-Identifier: GPL-2.0
# Print the failed tests in files of TAP, and the comments before them.
FNR == 1 { said = "" }
/^#/ { said = said $0 "\n"; next }
/^not ok / { printf "%s%s: %s\n", said, FILENAME, $0 }
/^(not )?ok / { said = "" }
