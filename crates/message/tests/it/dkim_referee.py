# Verifies each mail's signatures with dkimpy.
# The first line on stdin is {name: key record}; the others are {"seed", "mail" in hex, "good"}; a line on stdout
# for each signature that is not as expected.
import json, sys
import dkim

records = json.loads(sys.stdin.readline())

def lookup(name, timeout=5):
    return records[name.decode().rstrip(".")].encode()

count = 0
for line in sys.stdin:
    one = json.loads(line)
    raw = bytes.fromhex(one["mail"])
    for index in range(len(records)):
        count += 1
        try:
            good = dkim.DKIM(raw, minkey=2048).verify(idx=index, dnsfunc=lookup)
        except dkim.DKIMException as e:
            good = str(e)
        if bool(good is True) != one["good"]:
            print(f"seed {one['seed']}, signature {index}: {good}")
print(f"{count} signatures")
