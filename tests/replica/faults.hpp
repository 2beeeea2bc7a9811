#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pawl::replica {

/// What goes wrong with a request on purpose.
enum class Fault : std::uint8_t {
    none,
    server_error,  ///< 500, 502 or 503
    reset,         ///< the connection is reset before an answer
    cut,           ///< the connection is reset in the middle of the body
    secondary,     ///< 403 with Retry-After, as for a secondary limit, though none was broken
    html,          ///< an HTML page with status 200
};
[[nodiscard]] std::string_view to_string(Fault fault);

/// Shares of all requests, 0 … 1 each, together at most 1.
struct FaultRates {
    std::uint64_t seed = 1;
    double server_error = 0, reset = 0, cut = 0, secondary = 0, html = 0;
    std::int64_t retry_after = 1;  ///< seconds, told by `secondary`
    std::string path;              ///< only targets that contain this; "" : all
};

/// Decides which requests fail. The same seed, target and attempt always fail alike, in whatever
/// order requests arrive.
class Faults {
  public:
    explicit Faults(FaultRates rates = {}) : rates_(std::move(rates)) {}
    void set(FaultRates rates);
    /// Forgets how often each target was asked for.
    void reset() { attempts_.clear(); }
    [[nodiscard]] const FaultRates& rates() const { return rates_; }
    /// `target` is path and query; each call is one attempt.
    Fault draw(const std::string& target);

  private:
    FaultRates rates_;
    std::unordered_map<std::string, std::uint64_t> attempts_;
};

/// Reads {"seed": 7, "server_error": 0.01, …}: every field optional. Throws std::invalid_argument
/// for unknown fields and rates that are no shares.
[[nodiscard]] FaultRates parse_fault_rates(std::string_view json);
[[nodiscard]] std::string to_json(const FaultRates& rates);

}  // namespace pawl::replica
