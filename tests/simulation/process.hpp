#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "collector/collector.hpp"
#include "collector/planner.hpp"
#include "tests/simulation/api.hpp"
#include "tests/simulation/ports.hpp"
#include "worker/worker.hpp"

namespace pawl::simulation {

/// What all processes meet in.
struct Meeting {
    test::MemoryQueue& redis;
    test::MemoryStore& postgres;
    Api& api;
    Fate& fate;
    Timeline& timeline;
    const Chances& chances;
    const Servers& servers;
    Witness& witness;
    core::Telemetry& telemetry;
    std::shared_ptr<const core::SourceFile> source;
    Mutation mutation = Mutation::none;
};

enum class Role : std::uint8_t { planner, collector, worker };

/// One process: its own event loop, clocks and connections. Ends by being destroyed, at any moment.
class Process {
  public:
    /// `name` is its slot: the same after a restart.
    Process(Role role, std::string name, std::uint64_t seed, Meeting& meeting);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// Carries out what is ready, up to where each of its coroutines waits for a server or for time. False: nothing is.
    bool step();
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] Role role() const { return role_; }
    [[nodiscard]] ProcessClock& clock() { return clock_; }
    /// Why it gave up; "": it did not.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    static constexpr core::Millis lease{2'000};

  private:
    void spawn(core::Task<> life);

    Role role_;
    std::string name_, failure_;
    std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>(1);
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    Timeline& timeline_;
    ProcessClock clock_;
    core::SeededRandom random_;
    Network network_;
    NetworkFrontiers frontiers_;
    NetworkPageQueue pages_;
    NetworkQuota quota_;
    NetworkCatalogue catalogue_;
    NetworkPageStore store_;
    ApiHttp http_;
    std::unique_ptr<core::Offload> offload_;
    std::unique_ptr<collector::Planner> planner_;
    std::unique_ptr<collector::Collector> collector_;
    std::shared_ptr<worker::Worker> worker_;
};

}  // namespace pawl::simulation
