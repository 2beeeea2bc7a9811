#pragma once

#include <map>
#include <string>

namespace pawl::app {

/// What a process knows of its own fitness, told on /livez and /readyz. Used by the event loop's
/// thread alone.
class Health {
  public:
    /// `reason` is empty when the dependency answers. Names are those of the metric dependency_up.
    void set_dependency(const std::string& name, bool up, std::string reason = {});
    void set_stopping() { is_stopping_ = true; }

    /// Redis and Postgres answered at the last look, and the process is not stopping.
    [[nodiscard]] bool is_ready() const;
    [[nodiscard]] bool is_up(const std::string& dependency) const;
    /// One line per dependency: "redis: up".
    [[nodiscard]] std::string describe() const;

  private:
    struct State {
        bool up = false;
        std::string reason = "not reached yet";
    };
    std::map<std::string, State> dependencies_{{"redis", {}}, {"postgres", {}}};
    bool is_stopping_ = false;
};

}  // namespace pawl::app
