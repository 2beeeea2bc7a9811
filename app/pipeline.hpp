#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/forecaster.hpp"
#include "app/invocation.hpp"
#include "app/key_watch.hpp"
#include "app/session.hpp"
#include "app/snapshot.hpp"
#include "app/source_set.hpp"
#include "collector/credentials.hpp"
#include "collector/curl_http.hpp"
#include "collector/plan.hpp"
#include "core/identity.hpp"
#include "storage/pg_backlog.hpp"
#include "storage/pg_catalogue.hpp"
#include "storage/pg_page_store.hpp"
#include "storage/pg_progress.hpp"
#include "storage/pg_token_store.hpp"

namespace pawl::app {

struct PipelineOptions {
    Role role = Role::all;
    collector::PlanMode mode = collector::PlanMode::schedule;
    core::SliceClass slice_class = core::SliceClass::live;
    std::vector<std::string> streams;  ///< PlanMode::once: those asked for; empty: all
    bool adopt_redis = false;
    std::string slot;      ///< under which slices are leased
    core::Token instance;  ///< of the catalogue
};

/// Planner, collector and worker of every source of a process, over shared connections. Built once
/// the servers were reached; from then on every part waits out by itself what goes away. Used by
/// the event loop's thread.
class Pipeline {
  public:
    Pipeline(Session& session, PipelineOptions options);
    /// Every part has ended, or the process is about to: coroutines in flight refer to this object.
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Refuses a Redis that belongs to another catalogue (core::ConfigError), or takes it over
    /// where that was asked for. Throws core::TransientError when Redis is away.
    core::Task<> claim_redis(Sources sources);
    /// Refuses files that write tables by other keys, or go on with begun walks in other tables (core::ConfigError). Call it
    /// before `apply`: from then on workers go by the new files. Throws core::TransientError while Postgres is away.
    core::Task<> check_changes(Sources sources);
    /// The files of a running process were checked: what was begun since then and would be split begins anew.
    void go_by_new_tables() { catalogue_.set_split_walks(storage::SplitWalks::cancel); }
    /// Starts the parts of these sources. Those that run already go on with the new version of
    /// their file and its keys. Throws core::ConfigError when the credentials of one cannot be read; nothing was
    /// started or changed then.
    void apply(const Sources& sources);
    /// Takes up keys that were added, removed or rotated in their files. Keys that cannot be read are told in the log, and
    /// the old ones stay.
    void take_up_keys();

    /// Planners plan no more, collectors put what they hold on the queue and hand their slices
    /// back.
    void stop_collecting();
    /// Workers end the batches in work.
    void stop_working();
    [[nodiscard]] bool is_collecting() const { return collecting_ > 0; }
    [[nodiscard]] bool is_working() const { return working_ > 0; }

    /// PlanMode::once: every source is drained. False while another process plans one of them.
    [[nodiscard]] bool is_drained() const;
    /// Every source is drained, or planned by another process (then the catalogue must be asked).
    [[nodiscard]] bool is_planned_elsewhere() const;
    /// What the catalogue says is left, over all sources.
    core::Task<std::int64_t> left();
    /// The API refuses all accounts of a source: its name; "" otherwise.
    [[nodiscard]] std::string refused_source() const;
    /// A part that cannot do its job: rethrow it. Null: all is well.
    [[nodiscard]] std::exception_ptr failure() const { return failure_; }

    /// One look at every source, in the order of their names.
    core::Task<std::vector<Snapshot>> look(SnapshotDetail detail);
    /// Redis alone, for the gauges.
    core::Task<std::vector<Snapshot>> look_at_redis();
    /// Asks Postgres something small. Throws when it is away.
    core::Task<> ping_postgres();
    [[nodiscard]] storage::Progress& progress() { return progress_; }

  private:
    struct Part;
    void start(Part& part);
    core::Task<> carry(core::Task<> work, int* running);
    core::Task<std::vector<Snapshot>> look_at(storage::Progress* progress, SnapshotDetail detail);
    [[nodiscard]] storage::SplitWalks split_walks() const;
    [[nodiscard]] ForecasterOptions forecaster_options(const core::SourceFile& source) const;
    [[nodiscard]] std::vector<collector::Account> accounts_of(const core::SourceFile& source) const;
    [[nodiscard]] std::unique_ptr<Part> make_part(
        const std::shared_ptr<const core::SourceFile>& source, std::vector<collector::Account> accounts);

    Session& session_;
    PipelineOptions options_;
    std::shared_ptr<queue::RedisConnection> redis_;
    collector::CurlHttp http_;
    storage::PgCatalogue catalogue_;
    storage::PgPageStore store_;
    storage::PgProgress progress_;
    storage::PgBacklog backlog_;
    KeyWatch keys_;
    Sources sources_;
    storage::PgTokenStore tokens_;
    std::map<std::string, std::unique_ptr<Part>> parts_;  // by source
    int collecting_ = 0, working_ = 0;                    // coroutines that have not ended
    std::exception_ptr failure_;
};

}  // namespace pawl::app
