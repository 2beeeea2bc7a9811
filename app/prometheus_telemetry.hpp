#pragma once

#include <memory>
#include <string>

#include "core/telemetry.hpp"

namespace pawl::app {

/// Telemetry as prometheus-cpp keeps it, for /metrics. Thread-safe. Labels come from source files
/// and key names, never from data, so their number is bounded; beyond `series_max` per family
/// everything goes to one series "other".
class PrometheusTelemetry final : public core::Telemetry {
  public:
    PrometheusTelemetry();
    ~PrometheusTelemetry() override;
    void add(core::Metric metric, std::initializer_list<std::string_view> labels,
             double amount = 1) override;
    void set(core::Metric metric, std::initializer_list<std::string_view> labels,
             double value) override;
    void observe(core::Metric metric, std::initializer_list<std::string_view> labels,
                 double value) override;

    /// The text exposition format, version 0.0.4.
    [[nodiscard]] std::string text() const;

    static constexpr std::size_t series_max = 2'000;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pawl::app
