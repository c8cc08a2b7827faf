// (step 4)
