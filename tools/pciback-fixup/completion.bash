# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2207 # no BDF and no option has a blank
# bash completion for pciback-fixup

_pciback_fixup() {
	# Set by _init_completion; a BDF with its colons is one word.
	# shellcheck disable=SC2034 # prev
	local cur prev words cword
	_init_completion -n : || return

	local command=${words[1]} choices
	if [ "$cword" = 1 ]; then
		choices="list check enable disable --help --version"
	else
		case $command in
		list) choices="--json --bdf" ;;
		check) choices=$("${words[0]}" list --bdf 2>/dev/null) ;;
		enable | disable)
			choices="--all --persist $("${words[0]}" list --bdf 2>/dev/null)"
			;;
		*) return ;;
		esac
	fi
	COMPREPLY=($(compgen -W "$choices" -- "$cur"))
	__ltrim_colon_completions "$cur"
} && complete -F _pciback_fixup pciback-fixup
