#include "tests/replica/faults.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/replica/permutation.hpp"

namespace pawl::replica {
namespace {

constexpr std::size_t attempts_max = 1'000'000;  // then all start at their first attempt again

struct Share {
    Fault fault;
    double FaultRates::*rate;
};
constexpr std::array<Share, 5> shares{{{Fault::server_error, &FaultRates::server_error},
                                       {Fault::reset, &FaultRates::reset},
                                       {Fault::cut, &FaultRates::cut},
                                       {Fault::secondary, &FaultRates::secondary},
                                       {Fault::html, &FaultRates::html}}};

}  // namespace

std::string_view to_string(Fault fault) {
    switch (fault) {
        case Fault::none:
            return "none";
        case Fault::server_error:
            return "server_error";
        case Fault::reset:
            return "reset";
        case Fault::cut:
            return "cut";
        case Fault::secondary:
            return "secondary";
        case Fault::html:
            return "html";
    }
    return "none";
}

void Faults::set(FaultRates rates) {
    rates_ = std::move(rates);
    reset();
}

Fault Faults::draw(const std::string& target) {
    double total = 0;
    for (const auto& share : shares) total += rates_.*share.rate;
    if (total <= 0 || target.find(rates_.path) == std::string::npos) return Fault::none;
    if (attempts_.size() >= attempts_max) attempts_.clear();
    auto attempt = ++attempts_[target];
    auto drawn =
        static_cast<double>(mix(hash_text(target) ^ mix(rates_.seed * 1'000'003 + attempt)) >> 11) *
        0x1p-53;
    for (const auto& share : shares) {
        drawn -= rates_.*share.rate;
        if (drawn < 0) return share.fault;
    }
    return Fault::none;
}

FaultRates parse_fault_rates(std::string_view json) {
    FaultRates rates;
    double total = 0;
    auto document = nlohmann::json::parse(json, nullptr, false);
    if (!document.is_object()) throw std::invalid_argument("faults: a JSON object is expected");
    for (const auto& [name, value] : document.items()) {
        if (name == "path" && value.is_string()) {
            rates.path = value;
        } else if (name == "seed" && value.is_number_unsigned()) {
            rates.seed = value;
        } else if (name == "retry_after" && value.is_number_unsigned()) {
            rates.retry_after = value;
        } else {
            const Share* found = nullptr;
            for (const auto& share : shares)
                if (to_string(share.fault) == name) found = &share;
            if (!found || !value.is_number() || value < 0 || value > 1)
                throw std::invalid_argument("faults: " + name +
                                            " is unknown or no share of 0 to 1");
            rates.*found->rate = value;
            total += value.get<double>();
        }
    }
    if (total > 1) throw std::invalid_argument("faults: the shares are more than 1 together");
    return rates;
}

std::string to_json(const FaultRates& rates) {
    nlohmann::ordered_json json{
        {"seed", rates.seed}, {"path", rates.path}, {"retry_after", rates.retry_after}};
    for (const auto& share : shares) json[std::string(to_string(share.fault))] = rates.*share.rate;
    return json.dump();
}

}  // namespace pawl::replica
