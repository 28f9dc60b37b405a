# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2207 # no BDF and no option has a blank
# bash completion for pciback-fixup

_pciback_fixup() {
	# A BDF with its colons is one word. _init_completion sets these.
	# shellcheck disable=SC2034 # words, split
	local cur prev words cword split
	_init_completion -n := || return

	local command=${words[1]} choices bdfs
	if [ "$cword" = 1 ]; then
		choices="list check enable disable status --help --version"
	elif [ "$prev" = --output ] || [ "$prev" = -o ]; then
		# Add one to those that are there.
		choices="BDF VENDOR DEVICE HARDWARE GUEST RCIEP HITS DOMID DOMAIN PERSISTENT NAME"
		local given=${cur%"${cur##*,}"}
		COMPREPLY=($(compgen -P "$given" -W "$choices" -- "${cur##*,}"))
		compopt -o nospace 2>/dev/null
		return
	else
		bdfs=$("${words[0]}" list --noheadings --output BDF 2>/dev/null)
		case $command in
		list) choices="--json --noheadings --output $bdfs" ;;
		check) choices="--json $bdfs" ;;
		enable | disable) choices="--all --persist $bdfs" ;;
		status) choices="--json" ;;
		*) return ;;
		esac
	fi
	COMPREPLY=($(compgen -W "$choices" -- "$cur"))
	__ltrim_colon_completions "$cur"
} && complete -F _pciback_fixup pciback-fixup
