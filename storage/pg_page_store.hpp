#pragma once

#include <memory>
#include <string>

#include "storage/page_store.hpp"

namespace pawl::storage {

/// The real PageStore: one libpq connection per writer, opened at its first batch and dropped on
/// any doubt. Work runs in the Offload. Several commits of one writer wait for each other.
class PgPageStore final : public PageStore {
  public:
    struct Options {
        std::string url;  ///< of Postgres; "" : libpq's environment
        int writers = 2;
        core::Millis quiet{60'000};  ///< how long after a commit its slice is not offered anew
    };
    PgPageStore(Options options, std::shared_ptr<core::Offload> offload);

    core::Task<std::vector<PageResult>> commit(
        int writer, std::shared_ptr<const core::SourceFile> source,
        std::shared_ptr<std::vector<PageCommit>> batch) override;

  private:
    struct Writer;
    std::shared_ptr<core::Offload> offload_;
    std::vector<std::shared_ptr<Writer>> writers_;
};

}  // namespace pawl::storage
