#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "storage/catalogue.hpp"
#include "storage/connection.hpp"
#include "storage/mapping_check.hpp"
#include "storage/planner_lock.hpp"

namespace pawl::storage {

/// The catalogue in Postgres, over a pool of connections. All SQL runs on threads of the pool's
/// Offload; the methods may be called from one thread at a time or several. Cancel: safe; what was
/// sent is done to its end.
class PgCatalogue final : public Catalogue {
  public:
    explicit PgCatalogue(std::shared_ptr<ConnectionPool> pool);
    ~PgCatalogue() override;

    /// What registrations from now on do with begun walks whose table has another name (first: refuse).
    void set_split_walks(SplitWalks split);

    /// Also throws core::ConfigError where a changed key or table cannot take effect.
    core::Task<Registration> register_source(
        std::shared_ptr<const core::SourceFile> source) override;
    core::Task<bool> hold_planner_lock(std::string source) override;
    core::Task<> release_planner_lock(std::string source) override;
    /// These three plan: they do nothing and return nothing once a newer configuration is in force
    /// (see Registration::may_plan). Throw core::ConfigError for a source that was not registered
    /// here.
    core::Task<std::int64_t> fall_due(std::string source,
                                      std::vector<std::string> streams) override;
    core::Task<Scan> scan_table(std::shared_ptr<const core::SourceFile> source, std::string stream,
                                std::optional<std::string> after, std::size_t limit,
                                core::SliceClass slice_class) override;
    core::Task<std::int64_t> start_walks(std::string source, std::vector<std::string> streams,
                                         std::size_t limit, core::SliceClass slice_class) override;

    core::Task<std::optional<core::WallTime>> last_schedule(std::string source) override;
    core::Task<> note_schedule(std::string source, core::WallTime at) override;
    core::Task<std::vector<DueSlice>> due_slices(std::string source,
                                                 std::vector<std::string> streams,
                                                 core::Token epoch, std::size_t limit) override;
    core::Task<> mark_offered(std::vector<core::SliceId> slices, core::Token epoch,
                              core::Millis quiet) override;
    core::Task<std::vector<core::Tip>> open_tips(std::vector<core::SliceId> slices) override;
    core::Task<std::vector<Validator>> validators(std::int64_t partition) override;
    core::Task<Remaining> remaining(std::string source, std::vector<std::string> streams) override;

  private:
    /// A configuration that this process registered.
    struct Registered {
        std::shared_ptr<const core::SourceFile> source;
        std::string hash;
        std::int64_t epoch = 0;
    };
    struct State;

    /// Throws core::ConfigError when it was not registered.
    [[nodiscard]] Registered registered(const std::string& source) const;

    std::shared_ptr<ConnectionPool> pool_;
    std::shared_ptr<State> state_;  ///< shared with work that outlives a cancelled caller
};

}  // namespace pawl::storage
