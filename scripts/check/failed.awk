# SPDX-License-Identifier: GPL-2.0
# Print the failed tests in a file of TAP, and the comments before them.
/^#/ { said = said $0 "\n"; next }
/^not ok / { printf "%s%s: %s\n", said, file, $0 }
/^(not )?ok / { said = "" }
