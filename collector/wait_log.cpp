#include "collector/wait_log.hpp"

#include "core/log.hpp"

namespace pawl::collector {

namespace {

constexpr core::Micros worth_telling = std::chrono::seconds(5);

double seconds(auto duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void WaitLog::begin(const std::string& reason, const std::string& owner, core::Micros wait,
                    core::SteadyTime now) {
    auto& entry = waits_[{reason, owner}];
    if (entry.walks++ == 0) entry.since = now;
    ++waiting_;
    if (entry.told || wait <= worth_telling) return;
    entry.told = true;
    core::log::info(
        "Waiting",
        {{"source", source_}, {"for", reason}, {"owner", owner}, {"seconds", seconds(wait)}});
}

void WaitLog::end(const std::string& reason, const std::string& owner, core::SteadyTime now) {
    const auto found = waits_.find({reason, owner});
    if (found == waits_.end()) return;
    --waiting_;
    if (--found->second.walks > 0) return;
    if (found->second.told)
        core::log::info("Going on", {{"source", source_},
                                     {"waited_for", reason},
                                     {"owner", owner},
                                     {"seconds", seconds(now - found->second.since)}});
    waits_.erase(found);
}

}  // namespace pawl::collector
