"""What may be typed wrongly, and what must be said about it."""

from __future__ import annotations

from dataclasses import dataclass, field

USED_WRONGLY, REFUSED = 2, 1
SECRET = "geheim"


@dataclass(frozen=True)
class Case:
    """What is typed, how it ends, and what the one line must say. `{files}` is their folder."""

    words: str
    code: int
    says: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        given = " ".join(f"{name}={value!r}" for name, value in self.variables.items())
        return ascii(f"{given} {self.words}".strip().replace("{files}/", ""))[1:-1][:80]


def wrong(words: str, *says: str) -> Case:
    return Case(words, USED_WRONGLY, says)


def refused(words: str, *says: str, **variables: str) -> Case:
    return Case(words, REFUSED, says, variables)


USAGE = [
    wrong("frobnicate", "No such command 'frobnicate'"),
    wrong("train --fast", "No such option '--fast'"),
    wrong("models burn", "burn"),
    wrong("ingest", "Missing argument 'FILE...'"),
    wrong("ingest {files}/good.csv --format excel", "'excel'", "online-retail"),
    wrong("ingest {files}/good.csv --map item_id", "'item_id'", "FIELD=COLUMN"),
    wrong("ingest {files}/good.csv --map color=x", "--map color", "customer_id"),
    wrong("ingest {files}/good.csv --timezone Mars/Base", "Mars/Base", "Europe/Berlin"),
    wrong("ingest {files}/good.csv --currency euro", "euro", "EUR"),
    wrong("ingest {files}/good.csv --time-format soon", "soon", "dmy"),
    wrong("ingest {files}/good.csv --shift-days soon", "soon"),
    wrong("ingest {files}/good.csv --shift-days 99999", "99999", "36500"),
    wrong("ingest {files}/good.csv {files}/half.csv --rejects r.csv", "--rejects"),
    wrong("train --until soon", "'soon'", "2026-01-31"),
    wrong("train --until 2026-02-30", "2026-02-30"),
    wrong("train --until 0001-01-01T00:00+10:00", "0001-01-01"),
    wrong("train --config {files}/missing.toml", "missing.toml", "does not exist"),
    wrong("train --config {files}", "is a directory"),
    wrong("recommend", "--customers FILE", "--all"),
    wrong("recommend c001 --all", "--customers FILE"),
    wrong("recommend --all --customers {files}/ids.txt", "--all"),
    wrong("recommend --all", "--output"),
    wrong("recommend c001 --limit 0", "0", "1<=x<=100"),
    wrong("recommend c001 --limit 401", "401", "1<=x<=100"),
    wrong("recommend c001 --limit many", "'many'"),
    wrong("recommend a\udcff", r"'a\udcff'", "printable"),
    wrong(f"recommend {'a' * 201}", "1 to 200 characters"),
    wrong("recommend c001 --placement a\udcff", "--placement", "printable"),
    wrong("recommend --customers {files}/missing.txt --output {files}/x.csv", "missing.txt"),
    wrong("models promote", "VERSION"),
    wrong("features --as-of 2026-01-31", "--output"),
    wrong("features --as-of soon --output {files}/x.csv", "'soon'", "2026-01-31"),
    wrong("features --as-of 2999-01-01 --output {files}/x.csv", "2999-01-01", "to come"),
    wrong("customer show", "ID"),
    wrong(f"customer show {'a' * 201}", "1 to 200 characters"),
    wrong("segments burn", "burn"),
    wrong("segments put", "NAME"),
    wrong("segments put tea", "--file"),
    wrong("segments put tea --file {files}/missing.json", "missing.json", "does not exist"),
    wrong("segments why lost", "CUSTOMER"),
    wrong("report holdout --weeks 0", "0", "1<=x<=104"),
    wrong("keys create", "--kind"),
    wrong("keys create --kind owner", "owner", "publishable", "admin"),
    wrong("keys create --kind secret --expires soon", "soon", "90d"),
    wrong(f"keys create --kind secret --name {'a' * 81}", "--name", "80"),
    wrong("keys rotate k --overlap -1h", "-1h"),
    wrong("keys token c001 --ttl 8d", "--ttl", "604800"),
    wrong("keys token c001 --ttl 0s", "--ttl", "604800"),
    wrong("serve --port 65536", "65536"),
    wrong("serve --workers 0", "0", "1<=x<=256"),
]

FILES = [
    refused("ingest {files}/missing.csv", "missing.csv", "No such file"),
    refused("ingest {files}", "directory"),
    refused("ingest {files}/empty.csv", "empty.csv", "empty"),
    refused("ingest {files}/header.csv", "header.csv", "no rows"),
    refused("ingest {files}/columns.csv", "item_id", "a, b, c", "--map"),
    refused("ingest {files}/good.csv --map item_id=SKU", "item_id=SKU", "no such column"),
    refused("ingest {files}/binary.csv", "binary"),
    refused("ingest {files}/short.csv.gz", "short.csv.gz", "cut short"),
    refused("ingest {files}/short.parquet", "short.parquet", "cut short"),
    refused("ingest {files}/damaged.parquet", "damaged.parquet", "Parquet"),
    refused("ingest {files}/good.csv {files}/binary.csv", "binary.csv"),
    refused("ingest {files}/good.csv --currency USD", "USD", "EUR"),
    refused("ingest {files}/half.csv --rejects {files}/good.csv/r.csv", "r.csv", "--rejects"),
    refused("ingest {files}/half.csv --rejects {files}", "directory", "--rejects"),
    refused("train --config {files}/no.toml", "no.toml", "line 1"),
    refused("train --config {files}/unknown.toml", "unknown.toml", "sede"),
    refused("train --config {files}/kind.toml", "kind.toml", "$.limit"),
    refused("train --config {files}/range.toml", "seed", "-1", "als.alpha", "nan", "half_lives"),
    refused("train --config {files}/latin.toml", "latin.toml"),
    refused("train --config {files}/long.toml", "120 days", "shorter windows"),
    refused("train --until 1999-01-01", "1999-01-01", "2026-01-01", "--until"),
    refused("train --until 2026-01-03", "days", "at least 4"),
    refused("recommend c001 --output {files}/x.txt", ".parquet, .csv or .jsonl", "'.txt'"),
    refused("recommend c001 --output {files}/none/x.csv", "none", "no folder"),
    refused("recommend c001 --output {files}/good.csv/x.parquet", "good.csv", "no folder"),
    refused("recommend --customers {files}/empty.csv --output {files}/x.csv", "one id a line"),
    refused("recommend --customers {files}/binary.csv --output {files}/x.csv", "no UTF-8"),
    refused("recommend --customers {files}/nul.txt --output {files}/x.csv", "nul.txt:2", "id"),
    refused("train --config {files}/loyalty.toml", "new_fro"),
    refused("train --config {files}/bands.toml", "loyalty.churn_bands", "loyalty.new_for", "nan"),
    refused("features --output {files}/x.txt", ".parquet, .csv or .jsonl", "'.txt'"),
    refused("features --output {files}/none/x.csv", "none", "no folder"),
    refused("features --as-of 1999-01-01 --output {files}/x.csv", "nothing is in the log"),
    refused("customer show nobody", "nobody", "ingest"),
    refused("segments show no_such", "'no_such'", "use one of"),
    refused("segments members champion", "'champion'", "champions"),
    refused("segments members lost --output {files}/x.txt", "'.txt'"),
    refused("segments delete lost", "lost is built in"),
    refused("segments put lost --file {files}/condition.json", "lost is built in"),
    refused("segments put Tea --file {files}/condition.json", "'Tea' is no name"),
    refused("segments put tea --file {files}/no.toml", "no.toml", "JSON"),
    refused("segments put tea --file {files}/wrong.json", "/condition/all/1/feature", "ordrs"),
    refused("segments why lost nobody", "nobody"),
    refused("report holdout", "60 customers", "needs 100"),
    refused("report holdout --weeks 104", "fewer --weeks"),
    refused("report holdout --weeks 4 --json {files}/none/x.json", "60 customers"),
    refused("models show 2020", "2020", "models list"),
    refused("models show ../../etc", "'../../etc'"),
    refused("models promote 2020", "2020", "models list"),
    refused("models rollback", "no earlier model"),
    refused("serve --host 0.0.0.0 --port 0", "0.0.0.0", "no API key", "regulars keys create"),
    refused("serve --host shop.example", "shop.example", "no address", "127.0.0.1"),
    refused("keys revoke nobody", "nobody", "keys list"),
    refused("keys rotate nobody", "nobody", "keys list"),
]

DATABASE = "postgresql://shop:{}@127.0.0.1:1/regulars"
SETTINGS = [
    refused(
        "models list",
        "REGULARS_PORT: 'http'",
        "REGULARS_CACHE_TTL: 'soon'",
        "REGULARS_SPEED: no such setting",
        REGULARS_PORT="http",
        REGULARS_CACHE_TTL="soon",
        REGULARS_SPEED="9",
    ),
    refused("models list", "REGULARS_HOME", REGULARS_HOME=""),
    refused("models list", "REGULARS_CONFIG", "/no/such", REGULARS_CONFIG="/no/such.toml"),
    refused("train", "'mysql'", "postgresql", REGULARS_DATABASE_URL=f"mysql://a:{SECRET}@b/c"),
    refused("train", "SQLite needs a file", REGULARS_DATABASE_URL="sqlite://"),
    refused("serve", "'http'", "redis", REGULARS_REDIS_URL=f"http://:{SECRET}@localhost"),
    refused("train", "s3://", "file://", REGULARS_MODELS_URL="s3://bucket/models"),
    *(
        refused(words, "regulars at 127.0.0.1:1", REGULARS_DATABASE_URL=DATABASE.format(SECRET))
        for words in (
            "ingest {files}/good.csv",
            "train",
            "recommend c001",
            "features",
            "segments list",
            "customer show c001",
            "report holdout",
            "serve",
        )
    ),
    # A password that was not quoted must not come out as a host or a database.
    refused("train", "%40", REGULARS_DATABASE_URL=DATABASE.format(f"p@{SECRET}")),
    refused(
        "ingest {files}/good.csv", "%2F", REGULARS_DATABASE_URL=DATABASE.format(f"p@a/{SECRET}")
    ),
    refused(
        "train", "database_url", REGULARS_DATABASE_URL=f"postgresql://a:{SECRET}@127.0.0.1:port/b"
    ),
]


# Where the home itself is at fault: (what it is, the case).
HOMES = [
    *(("a_file", refused(words, "a_file")) for words in ("train", "ingest {files}/good.csv")),
    *(("a_file", refused(words, "a_file")) for words in ("models list", "models promote 2020")),
    *(("a_file", refused(words, "a_file")) for words in ("serve", "recommend c001")),
    *(("a_file/below", refused(words, "a_file")) for words in ("train", "serve", "demo --once")),
    *(
        ("garbage", refused(words, "regulars.db", "not a database"))
        for words in ("train", "ingest {files}/good.csv", "recommend c001", "serve")
    ),
    ("folder", refused("train", "regulars.db", "unable to open")),
    *(
        ("newer", refused(words, "9999", "upgrade regulars"))
        for words in ("train", "ingest {files}/good.csv", "recommend c001", "serve")
    ),
    ("empty", refused("train", "empty", "regulars ingest FILE")),
    ("empty", refused("report holdout", "empty", "regulars ingest FILE")),
    ("empty", refused("customer show anna", "anna")),
    # The second of two midnights in a row begins a day that counts whole.
    ("short", refused("train", "span 2.0 days", "at least 4")),
    ("short", refused("recommend anna", "no model is live", "regulars train")),
    ("short", refused("recommend --all --output {files}/x.csv", "no model is live")),
    ("short", refused("models list", "no model", "regulars train")),
    ("short", refused("models show", "no model is live", "regulars train")),
    ("short", refused("models rollback", "no earlier model")),
]
