"""terminal.py - a terminal of SIP Digest on a UDP socket, for the lab's scripts"""
import hashlib
import re
import socket
import sys
import time

from netns import inside

DOMAIN = "ims.example"
RUN = str(time.time_ns())  # makes Call-IDs and branches of this run its own


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def lines(message, name):
    return re.findall(rf"^{name}: (.*)\r$", message, re.M | re.I)


class Terminal:
    def __init__(self, local, user, remote, password, namespace=None):
        """In the namespace that it is called in, or another."""
        self.user, self.password, self.cseq, self.sock = user, password, 0, None
        self.attach(local, remote, namespace)

    def attach(self, local, remote, namespace=None):
        """To an access network, in place of the one before."""
        def bound():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind(local)
            return sock

        if self.sock:
            self.sock.close()
        self.sock = inside(namespace, bound) if namespace else bound()
        self.local, self.remote = local, remote
        self.contact = f"<sip:{self.user}@{local[0]}:{local[1]}>"

    def send(self, *head, body=""):
        text = "\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self.sock.sendto(text.encode(), self.remote)

    def receive(self, what, seconds=3.0):
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(65536).decode()
        except TimeoutError:
            sys.exit(f"{self.user}: no {what}")

    def drain(self, seconds=0.1):
        """Forgets what is there, and what still comes."""
        self.sock.settimeout(seconds)
        try:
            while True:
                self.sock.recv(65536)
        except TimeoutError:
            pass

    def wanted(self, begin, seconds=3.0):
        """Passes over 100 and what comes again."""
        until = time.time() + seconds
        while time.time() < until:
            message = self.receive(begin, max(0.1, until - time.time()))
            if message.startswith(begin):
                return message
            if not re.match(r"SIP/2.0 1|BYE|OPTIONS", message):
                sys.exit(f"{self.user}: {message.splitlines()[0]} instead of {begin}")
        sys.exit(f"{self.user}: no {begin}")

    def via(self, what):
        return f"Via: SIP/2.0/UDP {self.local[0]}:{self.local[1]};branch=z9hG4bK{what}{self.user}{self.cseq}{RUN}"

    def _register(self, extra):
        self.cseq += 1
        self.send(f"REGISTER sip:{DOMAIN} SIP/2.0", self.via("r"), "Max-Forwards: 70",
                  f"From: <sip:{self.user}@{DOMAIN}>;tag=r", f"To: <sip:{self.user}@{DOMAIN}>",
                  f"Call-ID: register-{self.user}-{RUN}", f"CSeq: {self.cseq} REGISTER", *extra)

    def register(self, *contact):
        self._register(contact)
        for challenge in lines(self.wanted("SIP/2.0 401"), "WWW-Authenticate"):
            if "algorithm=MD5" in challenge:
                nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)
                realm = re.search(r'realm="([^"]+)"', challenge).group(1)
        name, uri = f"{self.user}@{DOMAIN}", f"sip:{DOMAIN}"
        response = md5(f"{md5(f'{name}:{realm}:{self.password}')}:{nonce}:00000001:cn:auth:{md5(f'REGISTER:{uri}')}")
        self._register([*contact, f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                        f'qop=auth, nc=00000001, cnonce="cn", response="{response}", algorithm=MD5'])
        self.route = lines(self.wanted("SIP/2.0 200"), "Service-Route") or None

    def answer(self, request, *more, tag="", body=""):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        self.send("SIP/2.0 200 OK", *kept, f"To: {lines(request, 'To')[0]}{tag}", *more, body=body)
