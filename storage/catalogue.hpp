#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/job.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"

namespace pawl::storage {

struct Registration {
    core::Token instance;         ///< identity of this catalogue (pawl.meta)
    std::int64_t source_id = 0;
    std::int64_t epoch = 0;       ///< configuration epoch in force
    bool is_new = false;          ///< nobody has registered this source before: nothing was asked for it yet
    bool may_plan = true;         ///< false: a newer configuration than ours is in force; finish work, plan nothing
    std::vector<core::SliceId> cancelled;  ///< slices whose request is no longer asked for: forget them in Redis
};

struct DueSlice {
    core::SliceDescriptor slice;
    core::Tip tip;
};

/// What an earlier finished walk learned about a URL, for If-None-Match.
struct Validator {
    std::string key;              ///< sha256 over normalized URL and Accept, hex
    std::string etag, last_modified;
    std::int64_t page_id = 0;     ///< the page whose rows a 304 confirms
    std::optional<std::string> next_cursor;
    bool last = false;
};

/// Port: the catalogue of partitions and slices in Postgres, as the planner and the collectors use it.
/// All throw core::TransientError while Postgres is away, core::ConfigError when rights or SQL of the source file are wrong.
class Catalogue {
  public:
    virtual ~Catalogue() = default;

    /// One transaction: the source's row, specs by hash, a new configuration epoch where something changed, cancelled
    /// slices of requests that are no longer asked for, partitions of `foreach: list` and of streams without foreach.
    /// Creates the schema and the tables whose column types are known without data (where `tables.create`).
    virtual core::Task<Registration> register_source(std::shared_ptr<const core::SourceFile> source) = 0;
    /// True while this process is the one planner of the source (a session-level advisory lock on a connection of its own).
    virtual core::Task<bool> hold_planner_lock(std::string source) = 0;
    virtual core::Task<> release_planner_lock(std::string source) = 0;

    /// Schedule: active partitions of these streams fall due, unless `refresh` says it is too soon. Returns how many.
    virtual core::Task<std::int64_t> fall_due(std::string source, std::vector<std::string> streams) = 0;
    /// When the schedule of `source` last fired, as kept by `note_schedule`.
    virtual core::Task<std::optional<core::WallTime>> last_schedule(std::string source) = 0;
    virtual core::Task<> note_schedule(std::string source, core::WallTime at) = 0;
    struct Scan {
        std::optional<std::string> after;  ///< where the next scan goes on; nullopt: the table's end was reached
        std::int64_t added = 0;            ///< partitions that were new or fell due
    };
    /// `foreach: table`: one bounded step over the table by keyset; first walks get `slice_class`. A table that does not
    /// exist yet has no rows.
    virtual core::Task<Scan> scan_table(std::shared_ptr<const core::SourceFile> source, std::string stream,
                                        std::optional<std::string> after, std::size_t limit,
                                        core::SliceClass slice_class) = 0;
    /// Due partitions of these streams (empty: of all) that have no open slice get one (walk + 1, own random genesis
    /// link). Returns how many.
    virtual core::Task<std::int64_t> start_walks(std::string source, std::vector<std::string> streams, std::size_t limit,
                                                 core::SliceClass slice_class) = 0;

    /// Open slices of these streams (empty: of all) to offer: never offered in this Redis epoch, or silent beyond their
    /// `offered_until`.
    virtual core::Task<std::vector<DueSlice>> due_slices(std::string source, std::vector<std::string> streams,
                                                         core::Token epoch, std::size_t limit) = 0;
    /// They were offered: look again if their tip has not moved after `quiet`.
    virtual core::Task<> mark_offered(std::vector<core::SliceId> slices, core::Token epoch, core::Millis quiet) = 0;
    /// Tips as they are now; slices that are not open any more are left out.
    virtual core::Task<std::vector<core::Tip>> open_tips(std::vector<core::SliceId> slices) = 0;
    /// Validators of a partition's last finished walk.
    virtual core::Task<std::vector<Validator>> validators(std::int64_t partition) = 0;

    struct Remaining {
        std::int64_t open_slices = 0, due_partitions = 0;
        std::int64_t offered = 0;
    };
    /// Is there anything left to do? For `sync`, `backfill` and progress; streams empty: all. O(open), not O(all).
    virtual core::Task<Remaining> remaining(std::string source, std::vector<std::string> streams) = 0;
};

}  // namespace pawl::storage
