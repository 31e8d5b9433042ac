#!/bin/bash
# stock_sipp.sh - what a load tester tries first: sipp -sn uac, a trusted peer, through Saker to sipp -sn uas, the
# route of `service`
. "$(dirname "$0")/common.bash"
start_saker 1 10 10 || { fail "start"; exit 1; }
sipp_start core uas -uas -i 10.30.0.11 -p 5060
sipp_run core uac -uac 10.30.0.1:5060 -i 10.30.0.10 -p 5060 -m 100 -r 50 -timeout 30
sipp_stop uas
equal "stock sipp: calls" "$(sipp_stat uac "SuccessfulCall(C)")" 100
