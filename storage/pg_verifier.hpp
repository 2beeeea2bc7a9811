#pragma once

#include <memory>

#include "storage/connection.hpp"
#include "storage/verify.hpp"

namespace pawl::storage {

/// Verification by SQL in one read-only REPEATABLE READ snapshot, so that pages which are committed
/// meanwhile do not look like differences. Memory is bounded by the findings told. Throws
/// core::TransientError while Postgres is away.
class PgVerifier final : public Verifier {
  public:
    explicit PgVerifier(std::shared_ptr<ConnectionPool> pool);

    core::Task<std::vector<core::SliceId>> open_slices(std::string source,
                                                       std::size_t limit) override;
    core::Task<VerifyReport> verify(std::shared_ptr<const core::SourceFile> source,
                                    std::string stream,
                                    std::vector<FrontierFact> frontiers) override;

  private:
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace pawl::storage
