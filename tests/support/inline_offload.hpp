#pragma once

#include <functional>

#include "core/task.hpp"

namespace pawl::test {

/// Runs work at once, on the caller's thread.
class InlineOffload final : public core::Offload {
  public:
    core::Task<> run(std::function<void()> work) override {
        work();
        co_return;
    }
};

}  // namespace pawl::test
