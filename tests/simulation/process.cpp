#include "tests/simulation/process.hpp"

#include <sys/epoll.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/support/inline_offload.hpp"

/// Asio asks the kernel for files at every turn of an event loop, which is half the time of a simulation. There are none here:
/// servers, network and time are all in memory. This takes the place of libc's in the executables that simulate.
extern "C" int epoll_wait(int, epoll_event*, int, int) { return 0; }

namespace pawl::simulation {

namespace {

constexpr core::Millis quiet = Process::lease * 2;

collector::PlannerOptions planner_options() {
    collector::PlannerOptions options;
    options.quiet = quiet;
    options.offers_max = 20;
    return options;
}

collector::CollectorOptions collector_options(const std::string& slot) {
    collector::CollectorOptions options;
    options.owner = slot;
    options.walks_max = 3;
    options.lease = Process::lease;
    return options;
}

worker::WorkerSettings worker_settings(const std::string& slot) {
    worker::WorkerSettings settings;
    settings.slot = slot;
    settings.lease = Process::lease;
    settings.batch.pages = 4;
    return settings;
}

}  // namespace

Process::Process(Role role, std::string name, std::uint64_t seed, Meeting& meeting)
    : role_(role),
      name_(std::move(name)),
      guard_(io_->get_executor()),
      timeline_(meeting.timeline),
      clock_(meeting.timeline),
      random_(seed),
      network_(meeting.fate, meeting.timeline, clock_, meeting.chances, meeting.servers),
      frontiers_(meeting.redis, network_, meeting.witness, meeting.mutation),
      pages_(meeting.redis, network_),
      quota_(meeting.redis, network_, name_),
      catalogue_(meeting.postgres, network_),
      store_(meeting.postgres, meeting.redis, network_, quiet, meeting.mutation),
      http_(meeting.api, meeting.fate, clock_),
      offload_(std::make_unique<test::InlineOffload>()) {
    switch (role_) {
        case Role::planner:
            planner_ = std::make_unique<collector::Planner>(
                meeting.source, collector::PlannerPorts{frontiers_, catalogue_, clock_, meeting.telemetry}, planner_options());
            spawn(planner_->run());
            break;
        case Role::collector:
            collector_ = std::make_unique<collector::Collector>(
                meeting.source, std::vector<collector::Account>{},
                collector::CollectorPorts{frontiers_, quota_, catalogue_, http_, clock_, random_, *offload_, meeting.telemetry},
                collector_options(name_));
            spawn(collector_->run());
            break;
        case Role::worker:
            worker_ = std::make_shared<worker::Worker>(
                io_->get_executor(), meeting.source, meeting.postgres.instance,
                worker::WorkerPorts{pages_, frontiers_, store_, catalogue_, clock_, random_, *offload_, meeting.telemetry},
                worker_settings(name_));
            spawn(worker_->run());
            break;
    }
}

// The loop goes first, and with it all coroutines, wherever they stand: they refer to everything else. A worker holds
// itself by its own coroutines, and must end within the loop that its timer belongs to.
Process::~Process() {
    worker_.reset();
    guard_.reset();
    timeline_.lull(io_.get());
    io_.reset();
}

bool Process::step() {
    if (!timeline_.is_awake(io_.get())) return false;
    io_->restart();
    const bool went_on = io_->poll() > 0;
    timeline_.lull(io_.get());
    return went_on;
}

void Process::spawn(core::Task<> life) {
    timeline_.wake(io_.get());
    boost::asio::co_spawn(*io_, std::move(life), [this](std::exception_ptr thrown) {
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
            failure_ = error.what();
        }
    });
}

}  // namespace pawl::simulation
