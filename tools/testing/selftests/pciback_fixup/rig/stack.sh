#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A stack is Xen, dom0's kernels and tools with the device model, and the guests, all of one
# suite of Debian. STACK names it: bookworm, trixie, or newest. An apt that knows only this
# suite reads its package index.
#   stack.sh series   the kernel series that the stack has, oldest first
#   stack.sh others   the stacks that are not STACK
# Other scripts source this.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

STACKS="bookworm trixie newest"

# The default is this machine's own release.
if [ -z "${STACK-}" ]; then
	STACK=$(release VERSION_CODENAME)
	[ "$STACK" = trixie ] || STACK=bookworm
fi
export STACK
[[ " $STACKS " = *" $STACK "* ]] || die "there is no stack $STACK: take one of $STACKS"

# suite_sources SUITE: apt sources for it and its updates, on this machine's mirrors of Debian
suite_sources() {
	mirrors | awk -v suite="$1" -v release="${1%-backports}" '
			$1 != "Debian" || NF != 3 || !sub(/^[a-z]+/, release, $3) { next }
			$3 == release { print $2, suite }
			release != "sid" { print $2, $3 }' | sort -u |
		sed 's|.*|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] & main|' |
		grep . || die "this machine's apt knows no mirror of Debian"
}

# mirrors: "ORIGIN URI CODENAME" of each index that this machine's apt has
mirrors() {
	local format='$(ORIGIN) $(REPO_URI) $(CODENAME)'
	local list=(apt-get indextargets --format "$format" 'Created-By: Packages')
	"${list[@]}" | grep '^Debian ' && return
	apt_get update
	"${list[@]}"
}

# update_suite SUITE: fetch its index, at most once an hour. Of the machine's apt settings,
# only those for reaching a mirror are used.
update_suite() (
	suite=$1 dir=$BUILD/apt/$1
	need_debian
	mkdir -p "$dir"/{apt.conf,preferences}.d "$dir"/{lists,cache/archives}/partial
	exec 9>"$dir/lock"
	flock 9
	[ -z "$(find "$dir/updated" -mmin -60 2>/dev/null)" ] || return 0
	suite_sources "$suite" >"$dir/sources.list"
	{
		printf '%s "%s";\n' Dir::Etc "$dir" Dir::State "$dir" Dir::State::Status /dev/null \
			Dir::Cache "$dir/cache" Dir::Cache::srcpkgcache "" APT::Sandbox::User root \
			Acquire::GzipIndexes true Acquire::Languages none
		apt-config dump | grep -E '^Acquire::(https?|Check)' || :
		# A mirror's copy of these may be weeks old; the newest there is used.
		[[ $suite != sid && $suite != *-backports ]] ||
			printf '%s "%s";\n' APT::Default-Release "$suite" Acquire::Check-Valid-Until false
	} >"$dir/apt.conf"
	run_logged "$BUILD/log/apt-$suite.log" env APT_CONFIG="$dir/apt.conf" apt-get update
	expires=$(sed -n 's/^Valid-Until: //p' "$dir"/lists/*_"${suite}"_InRelease)
	[ "$(date -d "${expires:-tomorrow}" +%s)" -gt "$(date +%s)" ] ||
		say "the mirror's index of $suite expired on $expires, and is used as it is"
	touch "$dir/updated"
)

# in_suite SUITE COMMAND...: with an apt that knows only this suite
in_suite() (
	update_suite "$1" || return
	export APT_CONFIG=$BUILD/apt/$1/apt.conf
	"${@:2}"
)

# suite_of STACK: for "newest", the suite with the newest released kernel
suite_of() {
	local suite tmp file=$BUILD/apt/newest
	if [ "$1" != newest ]; then echo "$1"; return; fi
	if [ -z "$(find "$file" -mmin -60 2>/dev/null)" ]; then
		mkdir -p "${file%/*}"
		tmp=$(mktemp "$file.XXXXXX")
		for suite in sid trixie-backports; do
			in_suite "$suite" apt-cache show --no-all-versions linux-image-amd64 |
				awk -v suite="$suite" '/^Version/ && !/~rc/ { print $2, suite }'
		done | sort -V | tail -n 1 | cut -d ' ' -f 2 | grep . >"$tmp" ||
			die "Debian has no newest kernel"
		mv "$tmp" "$file"
	fi
	cat "$file"
}

# in_stack COMMAND...: the same for the suite of STACK
in_stack() {
	local suite
	suite=$(suite_of "$STACK") || return
	in_suite "$suite" "$@"
}

# versions PACKAGE...: their versions in the stack, for cache keys
versions() {
	in_stack apt-cache show --no-all-versions "$@" | grep -E '^(Package|Version):'
}

# dependency PACKAGE PATTERN: the packages that it depends on and that match
dependency() {
	in_stack apt-cache depends "$1" | sed -nE "s/^ *Depends: ($2)\$/\\1/p" | grep . ||
		die "Debian's $(suite_of "$STACK") has no $1 that depends on $2"
}

# kvers FLAVOUR: the newest version of each kernel series that the stack has
kvers() {
	in_stack apt-cache pkgnames linux-headers- |
		grep -xE "linux-headers-([0-9.]+-)?$1" | in_stack xargs apt-cache depends |
		sed -n 's/^ *Depends: linux-headers-//p' | sort -uV |
		grep . || die "Debian's $(suite_of "$STACK") has no kernel for $1"
}

series() { kvers amd64 | cut -d . -f 1,2; }

# kver SERIES|latest: the newest version of a series, or of the latest
kver() {
	local pattern="^${1//./\\.}\\."
	[ "$1" != latest ] || pattern=.
	kvers amd64 | grep "$pattern" | tail -n 1 | grep . ||
		die "Debian's $(suite_of "$STACK") has no Linux $1"
}

# series_of SERIES|latest: the series by its number
series_of() { kver "$1" | cut -d . -f 1,2; }

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
case ${1-} in
series) series ;;
others) tr ' ' '\n' <<<"$STACKS" | grep -vx "$STACK" ;;
*) die "usage: stack.sh series|others" ;;
esac
