#include "app/session.hpp"

#include <algorithm>

#include "app/server_address.hpp"
#include "core/log.hpp"

namespace pawl::app {

namespace {

/// Writers block in commits while others map; catalogue and progress queries come on top.
std::size_t thread_count(const core::Settings& settings) {
    return static_cast<std::size_t>(std::max(1, settings.postgres.writers)) * 2 + 2;
}

}  // namespace

core::Settings settings_of(const Invocation& invocation) {
    auto settings =
        core::load_settings(invocation.config_file, invocation.environment, invocation.settings);
    if (!invocation.sources.empty()) settings.sources = invocation.sources;
    core::log::configure(settings.log.level, settings.log.format);
    return settings;
}

Session::Session(Invocation given, LocalNeeds wanted)
    : invocation(std::move(given)), settings(settings_of(invocation)) {
    LocalNeeds needs = local_needs(settings, invocation.environment);
    needs.redis = needs.redis && wanted.redis;
    needs.postgres = needs.postgres && wanted.postgres;
    local = std::make_unique<LocalServers>(settings.state_dir, needs);
    local->apply_to(settings);
    threads = std::make_shared<core::ThreadPool>(thread_count(settings));
    postgres = std::make_shared<storage::ConnectionPool>(settings.postgres.url, threads);
    telemetry->set(core::Metric::build_info, {PAWL_VERSION}, 1);
}

Session::~Session() { threads->finish(); }

std::shared_ptr<queue::RedisConnection> Session::redis() {
    queue::RedisOptions options;
    options.address = queue::parse_redis_url(settings.redis.url);
    options.command_timeout = settings.redis.command_timeout;
    return std::make_shared<queue::RedisConnection>(context.get_executor(), options, random);
}

std::string Session::redis_address() const { return without_password(settings.redis.url); }

std::string Session::postgres_address() const {
    return app::postgres_address(settings, invocation.environment);
}

void Session::wait_for(core::Task<> task) {
    bool done = false;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown) {
        failure = thrown;
        done = true;
    });
    turn_until(done);
    if (failure) std::rethrow_exception(failure);
}

void Session::turn_until(const bool& done) {
    context.restart();
    while (!done)
        if (context.run_one() == 0)
            throw std::logic_error("the event loop ran dry before the command ended");
}

}  // namespace pawl::app
