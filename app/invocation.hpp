#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/outcome.hpp"

namespace pawl::app {

/// Which parts of the pipeline a process of `pawl run` takes on.
enum class Role : std::uint8_t { all, collector, worker };

/// What the command line asked for. Flags that override settings are in `settings`, by the
/// settings' own names.
struct Invocation {
    std::string command;                          ///< "run", "backfill" …
    std::vector<std::string> names;               ///< the command's positional arguments, in order
    std::string config_file;                      ///< --config
    std::vector<std::string> sources;             ///< --sources; empty: as settings say
    std::map<std::string, std::string> settings;  ///< "redis.url" → value
    bool json = false;                            ///< results as JSON on stdout
    bool adopt_redis = false;    ///< take over a Redis that belongs to another catalogue
    Role role = Role::all;       ///< run
    bool progress_json = false;  ///< sync, backfill: one JSON object a line on stdout
    std::optional<core::Millis>
        progress_every;    ///< sync, backfill: time between lines that are not redrawn
    std::string from, to;  ///< backfill: times; init: a URL in `from`
    std::vector<std::string> headers;  ///< init --header: "Name: value"
    bool force = false;                ///< init --force: write over what is there
    std::string page_to_update;  ///< config reference --update
    std::map<std::string, std::string> placeholders;  ///< preview --set
    std::map<std::string, std::string> weights;       ///< quota --weight: class → number
    std::vector<std::string> allowed_keys;            ///< quota --allow: aliases
    std::vector<std::string> letters;                 ///< dlq --id: numbers
    std::string reason;                               ///< dlq --reason: part of it
    bool all = false;                                 ///< dlq --all: also those that were dealt with
    bool yes = false;                                 ///< do not ask
    bool drop_table = false;                          ///< forget --drop-table
    std::string into;                                 ///< record --into: folder; "" : beside the source file
    std::optional<std::size_t> pages, partitions;     ///< record: how much of each walk, and stream
    std::string recorded, expect;                     ///< test: folders; "" : beside the source file
    bool update = false;                              ///< test --update: what comes is what is expected
    std::size_t sample = 0;                           ///< verify --sample: pages to ask the API for again

    std::map<std::string, std::string> environment;  ///< a copy of the process environment
};

}  // namespace pawl::app
