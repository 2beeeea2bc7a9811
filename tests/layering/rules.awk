# Prints every breach of docs/architecture.md in the files it is given, as FILE:LINE: what is wrong.
# Paths are relative to the project, so that their first part is the layer.

BEGIN {
    # core <- queue, storage <- collector, worker <- app. queue and storage do not know each other, nor do collector and worker.
    allowed["core"] = " core "
    allowed["queue"] = " core queue "
    allowed["storage"] = " core storage "
    allowed["collector"] = " core queue storage collector "
    allowed["worker"] = " core queue storage worker "
    allowed["app"] = " core queue storage collector worker app "

    # One library, one door: the folder that alone may include it.
    split("hiredis/ queue|pqxx/ storage|libpq-fe.h storage|curl/ collector|yaml-cpp/ core|simdjson.h core|spdlog/ core|" \
          "date/ core|zstd.h core|zlib.h collector|zip.h collector|expat.h core|iconv.h core|CLI/ app|prometheus/ app|systemd/ app|boost/beast app", pairs, "|")
    for (i in pairs) {
        split(pairs[i], pair, " ")
        door[pair[1]] = pair[2]
    }

    # Time, randomness and the environment come in as arguments; only these files and app/ read them.
    sources_of["clock"] = " core/clock.cpp "
    told_by["clock"] = "(system_clock|steady_clock|high_resolution_clock)::now|clock_gettime|gettimeofday|[^_a-z]time\\((nullptr|NULL|0)\\)"
    sources_of["randomness"] = " core/random.cpp "
    told_by["randomness"] = "random_device|getrandom|[^_a-z]s?rand\\("
    # Failpoints are armed by the environment; libpq reads PG* variables itself, and what fills in its defaults must know them.
    sources_of["environment"] = " core/failpoint.cpp storage/connection_string.cpp storage/connection_checks.cpp "
    told_by["environment"] = "[^_a-z]getenv"
}

FNR == 1 {
    file = FILENAME
    sub(/^\.\//, "", file)
    layer = file
    sub(/\/.*/, "", layer)
}

function breach(what) { print file ":" FNR ": " what }

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    included = $0
    sub(/^[^"<]*["<]/, "", included)
    sub(/[">].*/, "", included)
    target = included
    sub(/\/.*/, "", target)
    if (target in allowed && included ~ /\// && index(allowed[layer], " " target " ") == 0)
        breach(layer " may not include " included)
    if (target == "tests" || target == "bench") breach("the product may not include " included)
    for (name in door)
        if (index(included, name) == 1 && door[name] != layer) breach(included " belongs in " door[name] "/ alone")
    next
}

{
    code = $0
    sub(/^[ \t]*(\/\/|\*).*/, "", code)
    sub(/[ \t]\/\/.*/, "", code)
    if (layer == "app") next
    for (kind in told_by)
        if (index(sources_of[kind], " " file " ") == 0 && match(" " code, told_by[kind]))
            breach(kind " comes in as an argument: " substr(" " code, RSTART, RLENGTH))
}
