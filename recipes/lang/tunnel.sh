#!/bin/sh
# The same small tunnel in four languages: program=c, go, rust or node, one packet for each system call, and
# program=c-batched, go-batched or rust-batched. install.sh builds them.
# tunnelbench: speaks=reference params=program
set -eu
PATH=$PATH:/usr/local/lib/tunnelbench/lang
program=${TB_PARAM_PROGRAM:-c}
language=${program%-batched}
file=lang-$language
case $program in
c | c-batched) compiler=gcc ;;
go | go-batched) compiler=go ;;
rust | rust-batched) compiler=cargo ;;
node) file=lang-node.js compiler=node ;;
*)
	echo "program=$program: write c, go, rust or node, and c-batched, go-batched or rust-batched" >&2
	exit 2
	;;
esac
path=$(command -v "$file") || {
	echo "no $file: tunnelbench recipes install --again lang, which needs $compiler for it" >&2
	exit 127
}
needs=ip
[ "$program" != node ] || needs='ip node perl'
for name in $needs; do
	command -v "$name" >/dev/null || { echo "no $name: apt install iproute2 nodejs perl" >&2; exit 127; }
done
ip tuntap add "$TB_DEV" mode tun
ip link set "$TB_DEV" mtu "$TB_MTU" up
case $program in
node)
	# Node.js has no ioctl: perl opens the device and hands it over as descriptor 3.
	exec perl -e '$^F = 3; open(TUN, "+<", "/dev/net/tun") or die "/dev/net/tun: $!\n";
		ioctl(TUN, 0x400454ca, pack("a16 S x22", $ENV{TB_DEV}, 0x1001)) or die "TUNSETIFF: $!\n";
		exec @ARGV' node "$path"
	;;
*-batched) exec "$path" --batched ;;
*) exec "$path" ;;
esac
