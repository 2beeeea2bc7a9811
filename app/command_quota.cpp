#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/quota_table.hpp"
#include "app/session.hpp"
#include "app/source_ports.hpp"
#include "app/source_set.hpp"
#include "collector/fair_queue.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

/// "live=4" of --weight. Throws UsageError.
queue::Weights weights_asked(const Invocation& invocation) {
    queue::Weights weights;
    for (const auto& [name, text] : invocation.weights) {
        std::int64_t weight = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
        const bool is_number = error == std::errc() && end == text.data() + text.size();
        if (!is_number || weight < 1 || weight > queue::weight_max)
            throw UsageError(fmt::format("--weight {}={}: a weight is a number from 1 to {}", name, text, queue::weight_max));
        bool known = false;
        for (const auto slice_class : core::slice_classes) {
            if (core::to_string(slice_class) != name) continue;
            weights[slice_class] = weight;
            known = true;
        }
        if (!known) throw UsageError("--weight: there is no class '" + name + "' (there is: live, on_demand, backfill)");
    }
    return weights;
}

core::Task<queue::Weights> weights_in_force(queue::Quota* quota, queue::Weights asked) {
    for (const auto& [slice_class, weight] : asked) co_await quota->set_weight(slice_class, weight);
    auto weights = co_await quota->weights();
    for (const auto slice_class : core::slice_classes) weights.try_emplace(slice_class, collector::default_weight(slice_class));
    co_return weights;
}

core::Task<> allow(queue::Quota* quota, std::vector<std::string> keys) {
    for (const auto& key : keys) co_await quota->unquarantine(key);
}

void print(const Snapshot& snapshot, const queue::Weights& weights) {
    std::cout << "source " << snapshot.source << '\n';
    const auto table = quota_text(snapshot);
    std::cout << (table.empty() ? "nothing was asked for yet\n" : table);
    std::cout << "weights:";
    for (const auto& [slice_class, weight] : weights) std::cout << ' ' << core::to_string(slice_class) << '=' << weight;
    std::cout << '\n';
    for (const auto& [key, reason] : snapshot.quarantined)
        std::cout << "problem: the API refuses the key " << key << " (" << reason << ")\n         once it is good again: pawl quota "
                  << snapshot.source << " --allow " << key << '\n';
}

}  // namespace

core::ExitCode quota(const Invocation& invocation) {
    const auto asked = weights_asked(invocation);
    Session session(invocation, {.redis = true, .postgres = false});
    const auto sources = load_sources(source_files(source_paths(session.settings)), invocation.environment);
    const auto wanted = sources_named(sources, invocation.names);
    const auto redis = session.redis();
    Json all = Json::array();
    for (const auto& source : wanted) {
        SourcePorts ports(session, source->name, redis, redis);
        session.wait_for(allow(&ports.quota, invocation.allowed_keys));
        const auto weights = session.wait_for(weights_in_force(&ports.quota, asked));
        Snapshot snapshot;
        snapshot.source = source->name;
        snapshot.quota = session.wait_for(ports.quota.view());
        snapshot.quarantined = session.wait_for(ports.quota.quarantined());
        if (!invocation.json) {
            print(snapshot, weights);
            continue;
        }
        Json shares = Json::object();
        for (const auto& [slice_class, weight] : weights) shares[std::string(core::to_string(slice_class))] = weight;
        all.push_back({{"source", source->name},
                       {"limits", quota_json(snapshot)},
                       {"weights", std::move(shares)},
                       {"quarantined", snapshot.quarantined}});
    }
    if (invocation.json) std::cout << all.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    return core::ExitCode::ok;
}

}  // namespace pawl::app
