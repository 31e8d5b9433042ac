#!/bin/bash
# bench.sh - the benchmarks work: every group of figures is measured, in short runs. Never a check of time
. "$(dirname "$0")/common.bash"

"$root/bench/lib/install-peers" || { fail "install"; exit 1; }
"$root/bench/run" --quick --build "$BUILD" --json "$RUN/quick.json" >"$RUN/table.txt" 2>"$RUN/progress.txt"
rc=$?
cat "$RUN/progress.txt" "$RUN/table.txt"
equal "exit code" $rc 0

# Positive numbers, whatever their size.
figure() {
	python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))["figures"].get(sys.argv[2])
sys.exit(0 if v is not None and v > 0 else 1)' "$RUN/quick.json" "$1"
}
for name in parse.invite.ns parse.invite.cycles parse.osip.ns worker.indialog.cycles worker.response.cycles \
	worker.invite.cycles worker.message.cycles call.memif.msgs_per_s call.memif.calls_per_s call.memif.p99_us \
	call.memif.p999_us bound.testpmd.pps ratio.bound kamailio.stateless.msgs_per_s kamailio.stateful.msgs_per_s \
	ratio.kamailio.stateless ratio.kamailio.stateful ratio.kamailio.veth table.lookup.cycles.10k \
	register.aka.per_s register.ipsec.per_s register.refresh.per_s call.ipsec.calls_per_s churn.calls_per_s \
	churn.registers_per_s diameter.bound.per_s; do
	check "figure $name" figure $name
done

check "the page is made" "$root/bench/report" "$RUN/quick.json"
check "the page needs nothing from elsewhere" test -z "$(grep -oE '(src|href)=|url\(|https?://' "$RUN/quick.html")"
check "nothing is left running" test -z "$(pgrep -f saker-bench-)"
check "no namespace is left" test -z "$(ip netns list | grep '^skb-')"
# A name that is no figure is refused, with one sentence and a usage line.
"$root/bench/run" no.such.figure >"$RUN/refused.txt" 2>&1
equal "an unknown figure" "$? $(wc -l <"$RUN/refused.txt")" "2 2"
