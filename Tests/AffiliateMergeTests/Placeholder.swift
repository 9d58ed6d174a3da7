// AffiliateMergeTests
