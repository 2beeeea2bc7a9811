#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "storage/catalogue.hpp"
#include "storage/page_store.hpp"

namespace pawl::test {

/// What Postgres holds of one source, in memory: the adapters below share it as processes share a database. They pass
/// the contract of the real ones (tests/storage). A transaction is a copy of `held` that is put in its place, so a copy
/// kept and put back later is a Postgres set back to an older state. For tests and simulation: `foreach: table`, `where`
/// and SQL are not here, and tables know no types.
class MemoryStore {
  public:
    struct Partition {
        std::int64_t id = 0;
        std::string stream, part, list = "{}", parent = "{}";
        bool active = true, walking = false;
        std::optional<std::int64_t> next_due, last_finished;  ///< µs
        int walk = 0;
        core::SliceId last_slice = 0;
        int rewalks = 0;
        std::optional<std::int64_t> mark, mark_after;
        std::string mark_of;
        int open_windows = 0;
    };
    struct Slice {
        core::SliceId id = 0;
        std::int64_t partition = 0;
        std::string stream, request_hash, parent = "{}", state = "open", outcome;
        int walk = 0;
        core::SliceClass slice_class = core::SliceClass::backfill;
        core::Link genesis, tip_link;
        std::int64_t tip_seq = 0;
        std::optional<std::string> tip_cursor;
        std::optional<core::Token> offered_epoch;
        std::int64_t offered_until = 0;  ///< µs
        bool shifted = false, split = false;
        core::Window window;
        std::int64_t begun = 0;  ///< µs
        std::optional<std::int64_t> mark;
    };
    struct Page {
        std::int64_t seq = 0;
        core::Link link, previous;
        std::optional<std::string> cursor, next_cursor;
        core::Outcome outcome = core::Outcome::ok;
        std::int64_t records = 0, requested_at = 0;
    };
    struct Row {
        std::map<std::string, std::optional<std::string>> cells;
        std::pair<std::int64_t, std::int64_t> version;  ///< requested_at, page id
        core::SliceId slice = 0;
        std::int64_t seen = 0;                   ///< requested_at of the newest page that held it
        std::optional<std::int64_t> deleted_at;  ///< a walk did not show it any more
    };
    /// What a key with history is said to be, and when: nothing, where it was absent.
    struct History {
        std::map<std::int64_t, std::pair<std::int64_t, std::optional<std::map<std::string, std::optional<std::string>>>>> sightings;
        std::int64_t seen = 0;  ///< requested_at of the newest page that held it

        /// The rows that follow: since when, and what.
        [[nodiscard]] std::map<std::int64_t, std::map<std::string, std::optional<std::string>>> rows() const;
    };
    struct Table {
        std::map<std::string, Row> keyed;  ///< by the key's cells
        std::vector<Row> keyless;
        std::map<std::string, History> history;  ///< by the key's cells
    };
    struct Held {
        std::int64_t next_partition = 1, epoch = 0;
        core::SliceId next_slice = 1;
        std::string config;
        std::map<std::int64_t, Partition> partitions;
        std::map<core::SliceId, Slice> slices;  ///< open ones
        std::map<core::SliceId, Slice> done;
        std::map<core::SliceId, std::vector<Page>> ledger;
        std::map<std::string, Table> tables;
        std::map<std::int64_t, std::vector<std::pair<core::SliceId, storage::Validator>>> validators;  ///< by partition
        std::vector<core::Job> dead_letters;
        std::optional<core::WallTime> last_schedule;
    };

    MemoryStore(core::Clock& time, core::Random& randomness)
        : clock(time), random(randomness), instance(core::Token::random(randomness)) {}

    /// Begins a slice of the partition's walk `partition.walk`.
    static Slice& begin_slice(Held& state, const Partition& partition, std::string request_hash, core::SliceClass slice_class,
                              core::Link genesis, core::Window window, std::int64_t now);
    /// Begins the walk of a partition that is due: a slice, or with `incremental` one for each window.
    void begin_walk(Held& state, Partition& partition, const core::Stream* stream, core::SliceClass slice_class);

    [[nodiscard]] std::int64_t now_us() const { return clock.now().time_since_epoch().count(); }

    core::Clock& clock;
    core::Random& random;
    core::Token instance;
    Held held;
    const void* planner = nullptr;  ///< who holds the planner's lock: a session, lost with its process
};

/// What tells entry `index` of the file's own values apart: what storage/listed_entries.hpp says in SQL.
[[nodiscard]] std::string part_of(const core::Foreach& foreach_, std::int64_t index);
/// The same of a row combined with it.
[[nodiscard]] std::string combined_part(const core::Foreach& foreach_, const std::string& row, std::int64_t index);

class MemoryCatalogue final : public storage::Catalogue {
  public:
    explicit MemoryCatalogue(MemoryStore& store) : store_(store) {}
    ~MemoryCatalogue() override;

    core::Task<storage::Registration> register_source(std::shared_ptr<const core::SourceFile> source) override;
    core::Task<bool> hold_planner_lock(std::string source) override;
    core::Task<> release_planner_lock(std::string source) override;
    core::Task<std::int64_t> fall_due(std::string source, std::vector<std::string> streams) override;
    core::Task<std::optional<core::WallTime>> last_schedule(std::string source) override;
    core::Task<> note_schedule(std::string source, core::WallTime at) override;
    core::Task<Scan> scan_table(std::shared_ptr<const core::SourceFile> source, std::string stream,
                                std::optional<std::string> after, std::size_t limit,
                                core::SliceClass slice_class) override;
    core::Task<std::int64_t> start_walks(std::string source, std::vector<std::string> streams, std::size_t limit,
                                         core::SliceClass slice_class) override;
    core::Task<std::vector<storage::DueSlice>> due_slices(std::string source, std::vector<std::string> streams,
                                                          core::Token epoch, std::size_t limit) override;
    core::Task<> mark_offered(std::vector<core::SliceId> slices, core::Token epoch, core::Millis quiet) override;
    core::Task<std::vector<core::Tip>> open_tips(std::vector<core::SliceId> slices) override;
    core::Task<std::vector<storage::Validator>> validators(std::int64_t partition) override;
    core::Task<Remaining> remaining(std::string source, std::vector<std::string> streams) override;

  private:
    MemoryStore& store_;
    std::shared_ptr<const core::SourceFile> source_;
};

class MemoryPageStore final : public storage::PageStore {
  public:
    explicit MemoryPageStore(MemoryStore& store, core::Millis quiet = core::Millis(60'000)) : store_(store), quiet_(quiet) {}

    core::Task<std::vector<storage::PageResult>> commit(int writer, std::shared_ptr<const core::SourceFile> source,
                                                        std::shared_ptr<std::vector<storage::PageCommit>> batch) override;

  private:
    storage::PageResult commit_page(const core::SourceFile& source, const storage::PageCommit& page);
    void split_window(MemoryStore::Held& held, const core::Stream& stream, const MemoryStore::Slice& slice);
    void add_children(MemoryStore::Held& held, const core::SourceFile& source, const core::Stream& stream,
                      const storage::PageCommit& page, core::SliceClass slice_class);
    void add_child(MemoryStore::Held& held, const core::Stream& child, const std::string& part, std::string parent, std::string list,
                   core::SliceClass slice_class);

    MemoryStore& store_;
    core::Millis quiet_;
};

}  // namespace pawl::test
