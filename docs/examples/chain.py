#!/usr/bin/env python3
"""Recomputes the chain of a cash session from its payments, as a till that keeps its own count does.

    chain.py < payments.json

Standard input: a JSON array of the session's payments as `GET /v1/payments` lists them, oldest first,
from the first one of the session on. Prints the first that does not follow from those before it.
"""
import hashlib
import json
import sys
from decimal import Decimal


def main():
    count, total, chain = 0, Decimal(0), "0" * 64
    for payment in json.load(sys.stdin):
        lines = (chain, payment["id"], payment["account_number"], payment["amount"],
                 payment["business_date"], payment["recorded_at"])
        chain = hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
        count, total = count + 1, total + Decimal(payment["amount"])
        said = payment["session"]
        if (said["count"], Decimal(said["total"]), said["chain"]) != (count, total, chain):
            print(f"{payment['id']}: the gateway counts {said['count']}, {count} are known")
            return 1
    print(f"{count} payments, {total:.2f}, chain {chain}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
