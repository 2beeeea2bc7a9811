#pragma once

#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>

#include "app/gauges.hpp"
#include "app/health.hpp"
#include "app/http_endpoint.hpp"
#include "app/pipeline.hpp"
#include "app/session.hpp"
#include "app/slot.hpp"
#include "app/supervisor.hpp"

namespace pawl::app {

/// A running `pawl run`, from first contact to the end of the drain. SIGTERM and SIGINT drain,
/// SIGHUP reads the source files again.
class Daemon {
  public:
    /// Throws core::ConfigError when a source file is wrong, the address is taken or all slots are.
    explicit Daemon(Session& session);

    /// The whole story. Returns ok after a drain; throws core::ConfigError when a person must act.
    core::Task<core::ExitCode> live();
    /// False: something still runs that the drain could not wait for, and the process must leave
    /// without destructors.
    [[nodiscard]] bool has_ended() const {
        return running_ == 0 && !pipeline_->is_collecting() && !pipeline_->is_working();
    }

  private:
    core::Task<> make_contact();
    core::Task<> heed_signals();
    core::Task<> feed_watchdog();
    core::Task<> tell_status();
    core::Task<> watch_keys();
    core::Task<> run_until_stopped();
    core::Task<> drain();
    core::Task<> counted(core::Task<> work);
    void go(const char* name, core::Task<> work);
    core::Task<> reload();

    Session& session_;
    Supervisor supervisor_;
    std::shared_ptr<Health> health_ = std::make_shared<Health>();
    Sources sources_;
    Slot slot_;
    boost::asio::signal_set signals_;
    std::optional<HttpEndpoint> endpoint_;
    std::unique_ptr<Pipeline> pipeline_;
    std::optional<Gauges> gauges_;
    bool is_stopping_ = false;
    bool is_over_ = false;
    bool is_reload_wanted_ = false;  ///< SIGHUP came before the servers were reached
    int running_ = 0;
};

}  // namespace pawl::app
