#!/usr/bin/env python3
"""agents.py - drives two baresip user agents, one in each access network of the lab

agents.py LAB FOLDER

LAB is the prefix of the namespaces, FOLDER takes the agents' configuration and logs. Each agent is told what to do through its module
cons, and tells what happened through ctrl_tcp; media is counted on the wire. Prints "ok NAME" or "FAIL NAME: why" for each row.
"""
import json
import os
import socket
import subprocess
import sys
import time

from netns import inside

LAB, FOLDER = sys.argv[1:]
ETH_P_IP = 0x0800
PATIENCE_S = 10
COMMANDS, EVENTS = 5555, 4444
MODULES = ("account", "contact", "cons", "ctrl_tcp", "menu", "g711", "ausine", "aubridge")
CONFIG = """sip_listen {ip}:5060
cons_listen 127.0.0.1:{commands}
ctrl_tcp_listen 127.0.0.1:{events}
audio_player aubridge,nowhere
audio_source ausine,440
audio_alert aubridge,nowhere
ausrc_srate 48000
ausrc_channels 2
call_max_calls 4
rtp_ports 20000-20100
module_path /usr/lib/baresip/modules
"""


class Failed(Exception):
    pass


class Agent:
    def __init__(self, host, ip, node, user, friend):
        self.host, self.ip, self.user, self.read = host, ip, user, b""
        self.folder = os.path.join(FOLDER, user)
        os.makedirs(self.folder, exist_ok=True)
        self.write("config", CONFIG.format(ip=ip, commands=COMMANDS, events=EVENTS) + "".join(
            f"module{'_app' if m in ('account', 'contact', 'menu', 'ctrl_tcp') else ''} {m}.so\n" for m in MODULES))
        self.write("accounts", f'<sip:{user}@ims.example>;auth_user={user}@ims.example;auth_pass=secret;outbound="sip:{node}:5060";'
                   "regint=600;answermode=manual;audio_codecs=pcma\n")
        self.write("contacts", f"<sip:{friend}@ims.example>\n")
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.process = subprocess.Popen(("ip", "netns", "exec", LAB + host, "baresip", "-4", "-s", "-f", self.folder),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.events = self.connect()
        self.keys = inside(LAB + host, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
            f.write(text)

    def connect(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            s = inside(LAB + self.host, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            try:
                s.connect(("127.0.0.1", EVENTS))
                return s
            except ConnectionRefusedError:
                s.close()
                if time.monotonic() > end or self.process.poll() is not None:
                    raise Failed(f"{self.user}'s agent does not start") from None
                time.sleep(0.05)

    def key(self, text):
        self.keys.sendto(text.encode(), ("127.0.0.1", COMMANDS))

    def command(self, text):
        self.key(f"/{text}\n")

    def netstring(self):
        head, colon, rest = self.read.partition(b":")
        if not colon or len(rest) <= int(head):
            return None
        self.read = rest[int(head) + 1:]
        return json.loads(rest[:int(head)])

    def wanted(self, *types):
        """The next event of one of these types; others pass."""
        end = time.monotonic() + PATIENCE_S
        while True:
            event = self.netstring()
            if event:
                if event.get("type") in types:
                    return event
                continue
            self.events.settimeout(max(end - time.monotonic(), 0.001))
            try:
                more = self.events.recv(65536)
            except TimeoutError:
                raise Failed(f"{self.user} waited for {'/'.join(types)}") from None
            if not more:
                raise Failed(f"{self.user}'s agent ended")
            self.read += more

    def said(self, text):
        """Waits until the agent's log has this."""
        end = time.monotonic() + PATIENCE_S
        while True:
            with open(self.log.name, "rb") as f:
                if text.encode() in f.read():
                    return
            if time.monotonic() > end:
                raise Failed(f"{self.user}'s log has no '{text}'")
            time.sleep(0.05)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def media(agent, seconds, link="media"):
    """RTP that arrives at an agent by a link for it, in so many seconds."""
    def listen():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        s.bind((link, ETH_P_IP))
        return s

    n, end = 0, time.monotonic() + seconds
    with inside(LAB + agent.host, listen) as s:
        while (left := end - time.monotonic()) > 0:
            s.settimeout(left)
            try:
                packet, source = s.recvfrom(2048)
            except TimeoutError:
                break
            udp = packet[(packet[0] & 15) * 4:]
            # To this agent, to an even port of its range, version 2, PCMA (RFC 3550 §5.1, RFC 3551 §6).
            if source[2] == 0 and packet[9] == 17 and 20000 <= int.from_bytes(udp[2:4], "big") <= 20100 and udp[8] >> 6 == 2 \
                    and udp[9] & 127 == 8:
                n += 1
    return n


def hears(agent, link="media"):
    """20 ms a packet: half of what should come in a second is talk."""
    if (n := media(agent, 1, link)) < 25:
        raise Failed(f"{agent.user} hears {n} packets of a second")


def talks(a, b):
    for agent in (a, b):
        hears(agent)


def call(caller, called, number=None):
    caller.command(f"dial sip:{number or called.user}@ims.example")
    called.wanted("CALL_INCOMING")
    caller.wanted("CALL_RINGING", "CALL_PROGRESS")
    called.command("accept")
    called.wanted("CALL_ESTABLISHED")
    caller.wanted("CALL_ESTABLISHED")


def hang_up(first, other):
    first.command("hangup")
    for agent in (first, other):
        agent.wanted("CALL_CLOSED")


def hold(a, b):
    b.key("x")
    time.sleep(0.5)
    if n := media(a, 1):
        raise Failed(f"{a.user} hears {n} packets while held")
    b.key("X")
    time.sleep(0.5)
    talks(a, b)


def voicemail(caller, called):
    caller.command(f"dial sip:{called}@ims.example")
    caller.wanted("CALL_ESTABLISHED")
    hears(caller, "servers")
    caller.command("hangup")
    caller.wanted("CALL_CLOSED")


def announcement(caller, called):
    caller.command(f"dial sip:{called}@ims.example")
    caller.wanted("CALL_PROGRESS")
    hears(caller, "servers")
    closed = caller.wanted("CALL_CLOSED", "CALL_ESTABLISHED")
    if not closed.get("param", "").startswith("480"):
        raise Failed(f"{closed}")


def message(a, b, text):
    a.command(f"message {text}")
    b.said(text)


def unregister(agent):
    agent.command("quit")
    agent.process.wait(PATIENCE_S)


def row(name, what, *args):
    try:
        what(*args)
        print("ok", name, flush=True)
    except (Failed, subprocess.TimeoutExpired) as e:
        print(f"FAIL {name}: {e}", flush=True)


def main():
    a = Agent("lte", "10.10.0.2", "10.10.0.1", "alice", "bob")
    b = Agent("wlan", "10.20.0.2", "10.20.0.1", "bob", "alice")
    try:
        for agent in (a, b):
            row(f"{agent.user} registers by digest", agent.said, "[1 binding]")
        row("a call, answered", call, a, b)
        row("both hear each other, past the node", talks, a, b)
        row("hold and resume by the called", hold, a, b)
        row("hold and resume by the caller", hold, b, a)
        row("the caller hangs up", hang_up, a, b)
        row("a call the other way", call, b, a)
        row("both hear each other again", talks, b, a)
        row("the called hangs up", hang_up, a, b)
        row("a MESSAGE arrives", message, a, b, "to-bob-from-alice")
        row("and one back", message, b, a, "to-alice-from-bob")
        row("a redirection is followed", call, a, b, "desk")
        row("both hear each other then", talks, a, b)
        row("and hang up", hang_up, a, b)
        row("an announcement is heard before the refusal", announcement, a, "nobody")
        row("bob leaves", unregister, b)
        row("bob's voicemail answers and is heard", voicemail, a, "bob")
        row("alice leaves", unregister, a)
    finally:
        a.end()
        b.end()


main()
