# Reads each mail with Python's email package and compares it with what is expected.
# A line on stdin: {"seed", "mail" in hex, "expect"}; a line on stdout for each difference.
import email, email.policy, json, sys

def lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")

def difference(one):
    expect = one["expect"]
    raw = bytes.fromhex(one["mail"])
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for part in mail.walk():
        if part.defects:
            yield "defects", part.defects, []
        for name, value in part.items():
            if value.defects:
                yield "defects of " + name, value.defects, []
    yield "subject", str(mail["subject"]), expect["subject"]
    # Python keeps the blank between two encoded words of a phrase, which RFC 2047 6.2 drops.
    words = raw.count(b"?=\r\n =?") + raw.count(b"?= =?")
    pack = (lambda name: name.replace(" ", "")) if words else (lambda name: name)
    for name in ("from", "to", "cc", "reply-to"):
        have = [[pack(a.display_name), a.addr_spec] for a in mail[name].addresses] if mail[name] else []
        yield name, have, [[pack(n), a] for n, a in expect[name]]
    for name, value in expect["headers"]:
        yield name, str(mail[name]), value
    html = text = None
    files = []
    for part in mail.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if part.get_content_disposition():
            files.append({"name": part.get_filename(), "hex": content.hex(), "id": part["content-id"]})
        elif part.get_content_type() == "text/html":
            html = content.decode(part.get_content_charset())
        else:
            text = content.decode(part.get_content_charset())
    # Without parts the last line gets its end.
    end = (lambda t: t and t.rstrip("\n")) if not mail.is_multipart() else (lambda t: t)
    for name, have in (("text", text), ("html", html)):
        if expect[name] is not None:
            yield name, end(lines(have or "")), end(lines(expect[name]))
        elif name == "html":
            yield name, have, None
    order = lambda all: sorted(all, key=lambda f: (f["id"] is None, f["id"] or ""))
    yield "files", order(files), order(expect["files"])

count = 0
for line in sys.stdin:
    one = json.loads(line)
    count += 1
    for name, have, want in difference(one):
        if have != want:
            print(f"seed {one['seed']}: {name}: {str(have)[:400]!r}, not {str(want)[:400]!r}")
print(f"{count} read")
