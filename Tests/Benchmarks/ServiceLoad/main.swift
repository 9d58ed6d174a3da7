ServiceTrial.main()
