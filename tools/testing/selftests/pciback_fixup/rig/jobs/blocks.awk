# SPDX-License-Identifier: GPL-2.0
# Print a document's literal blocks, one a line, with ^A for line ends. In Markdown each
# indented line is a block; in reStructuredText, the lines after "::" are.
function show() {
	if (block != "")
		print block
	block = ""
}
FILENAME ~ /md$/ && /^## / { use = /^## Use/ }
FILENAME ~ /md$/ && use && /^    / { show(); block = substr($0, 5); show(); next }
FILENAME ~ /md$/ { next }
match($0, /^ */) && RLENGTH <= indent && !/^$/ { show(); literal = 0 }
literal && !/^$/ {
	sub(/^ */, "")
	block = block (block == "" ? "" : "\001") $0
	next
}
/::$/ && !/^ *\.\./ {
	literal = 1
	match($0, /^( *([0-9]+\.|\*) +| *)/)
	indent = RLENGTH
}
{ if (!literal) indent = 1000 }
END { show() }
