#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// A Redis Sentinel of this test alone, that watches one server and alone decides that it is down, after half a second.
class PrivateSentinel {
  public:
    explicit PrivateSentinel(int master_port);

    /// How many replicas of the server it knows.
    [[nodiscard]] int replicas() const;
    /// The port of the server that it holds for the master: another one once it has promoted a replica.
    [[nodiscard]] int master_port() const;

  private:
    [[nodiscard]] std::string ask(const std::string& verb) const;  ///< "" while it does not answer

    TemporaryDirectory directory_;
    int port_ = 0;
    std::unique_ptr<ChildProcess> server_;
};

}  // namespace pawl::test
