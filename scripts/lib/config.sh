# config.sh - saker.yaml for the lab; sourced after lab.sh and saker.sh

# lab_config DRIVER [WORKERS]: writes $RUN/saker.yaml
lab_config() {
	local driver=$1 workers=${2:-1}
	cat >"$RUN/saker.yaml" <<YAML
realm: ims.example
pcscf-uri: sip:pcscf.ims.example:5060
icscf-uri: sip:icscf.ims.example:5060
scscf-uri: sip:scscf.ims.example:5060
runtime-dir: $(saker_sockets)
state-dir: $RUN
dataplane:
  roles: [pcscf, icscf, scscf]
  workers: $workers
  idle: adaptive
  huge-pages: auto
  users: 20000
  transactions: 16384
  ports:
    - name: lte
      device: "$(saker_device "$driver" lte 0)"
      addresses: [10.10.0.1/24, "fd00:10::1/64"]
      zone: access
      queues: $LAB_QUEUES
    - name: wlan
      device: "$(saker_device "$driver" wlan 1)"
      addresses: [10.20.0.1/24, "fd00:20::1/64"]
      zone: access
      queues: $LAB_QUEUES
    - name: core
      device: "$(saker_device "$driver" core 2)"
      addresses: [10.30.0.1/24, "fd00:30::1/64"]
      zone: core
      queues: $LAB_QUEUES
  peers:
    - name: uac.example
      net: 10.30.0.10
    - name: uas.example
      net: 10.30.0.11
  routes:
    - user: service
      to: 10.30.0.11:5060
control:
  hss: 127.0.0.1:3868
  # SIPp cuts an AKA response at a NUL octet, so one in thirty is wrong through no fault of its user.
  auth-tries: 10
hss:
  diameter-listen: 127.0.0.1:3868
YAML
}
